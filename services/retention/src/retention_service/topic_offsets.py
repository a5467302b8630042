"""How far topics go and how far groups have read them, asked of the broker; what it can't say is an error, never a 0."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypedDict, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from chassis.network import refuse_in_transaction
from contracts.privacy import ConsumerGroup

from retention_service.fences import EndOffsets

_TIMEOUT_MS: Final = 5_000
"""Below the lease of the work that asks (30 s), several times over."""


class _Partition(TypedDict):
    error_code: int
    partition: int


class _Topic(TypedDict):
    error_code: int
    topic: str
    partitions: list[_Partition]


async def end_offsets(bootstrap: str, topics: Collection[str]) -> EndOffsets:
    """Where each partition of these topics ends now. A topic that the broker does not have is left out.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    refuse_in_transaction("asking the broker for offsets")
    async with _admin(bootstrap) as admin:
        partitions = await _partitions(admin, topics)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=_TIMEOUT_MS)
    await consumer.start()
    try:
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()
    found: dict[str, dict[int, int]] = {}
    for place in partitions:
        found.setdefault(place.topic, {})[place.partition] = ends[place]
    return found


async def committed_offsets(
    bootstrap: str, groups: Sequence[ConsumerGroup]
) -> Mapping[str, Mapping[TopicPartition, int]]:
    """By group: what it has committed; a partition without a commit is left out.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    refuse_in_transaction("asking the broker for committed offsets")
    found: dict[str, Mapping[TopicPartition, int]] = {}
    async with _admin(bootstrap) as admin:
        for group in groups:
            committed = await admin.list_consumer_group_offsets(group.group)
            found[group.group] = {place: entry.offset for place, entry in committed.items() if entry.offset >= 0}
    return found


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=_TIMEOUT_MS)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    # all topics are asked for: naming one that isn't there could make the broker create it
    described = cast("list[_Topic]", await admin.describe_topics())
    found: list[TopicPartition] = []
    for topic in described:
        if topic["topic"] not in topics:
            continue
        if topic["error_code"]:
            raise for_code(topic["error_code"])(topic["topic"])
        found.extend(TopicPartition(topic["topic"], part["partition"]) for part in topic["partitions"])
    return found
