"""How far topics go and how far groups have read them, asked of the broker; what it can't say is an error, never a 0."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypedDict, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from contracts.privacy import ConsumerGroup

from chassis.network import refuse_in_transaction

Offsets = Mapping[str, Mapping[int, int]]
"""By topic and partition."""
_TIMEOUT_MS: Final = 5_000
"""Below the lease of the work that asks (30 s), several times over."""
_SET_BACK: Final = "set back by a recovery"
"""Kafka keeps this note beside the offset; whatever is committed after it, by who reads on, has none."""


class _Partition(TypedDict):
    error_code: int
    partition: int


class _Topic(TypedDict):
    error_code: int
    topic: str
    partitions: list[_Partition]


class Extent(NamedTuple):
    """What the broker has of topics: of each partition the offset of its oldest record, and of the next one."""

    beginnings: Offsets
    ends: Offsets


class Committed(NamedTuple):
    """Where a group stands on a partition. `set_back` until it has read on from where a recovery put it."""

    offset: int
    set_back: bool


async def end_offsets(bootstrap: str, topics: Collection[str]) -> Offsets:
    """Where each partition of these topics ends now. A topic that the broker does not have is left out.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    return (await extent(bootstrap, topics)).ends


async def extent(bootstrap: str, topics: Collection[str]) -> Extent:
    """Where each partition of these topics begins and ends now. A topic that the broker does not have is left out.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    refuse_in_transaction("asking the broker for offsets")
    async with _admin(bootstrap) as admin:
        partitions = await _partitions(admin, topics)
    if not partitions:
        return Extent({}, {})
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=_TIMEOUT_MS)
    await consumer.start()
    try:
        # Assigned, it asks for all topics at once; else it finds one after the other unknown, and waits each time.
        consumer.assign(partitions)
        consumer.pause(*partitions)
        beginnings = cast("dict[TopicPartition, int]", await consumer.beginning_offsets(partitions))
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()
    return Extent(_by_topic(beginnings), _by_topic(ends))


async def committed_offsets(
    bootstrap: str, groups: Sequence[ConsumerGroup]
) -> Mapping[str, Mapping[TopicPartition, int]]:
    """By group: what it has committed; a partition without a commit is left out.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    found = await committed(bootstrap, groups)
    return {group: {place: one.offset for place, one in places.items()} for group, places in found.items()}


async def committed(
    bootstrap: str, groups: Sequence[ConsumerGroup]
) -> Mapping[str, Mapping[TopicPartition, Committed]]:
    """The same, with whether a recovery put it there.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    refuse_in_transaction("asking the broker for committed offsets")
    found: dict[str, Mapping[TopicPartition, Committed]] = {}
    async with _admin(bootstrap) as admin:
        for group in groups:
            entries = await admin.list_consumer_group_offsets(group.group)
            found[group.group] = {
                place: Committed(entry.offset, entry.metadata == _SET_BACK)
                for place, entry in entries.items()
                if entry.offset >= 0
            }
    return found


async def set_back(bootstrap: str, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Set what a group has committed, for none of whose members reads now, and note it there until it reads on.

    Raises:
        KafkaError: the group has members that read, or the broker does not answer.
    """
    refuse_in_transaction("setting committed offsets")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, request_timeout_ms=_TIMEOUT_MS
    )
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit({place: (offset, _SET_BACK) for place, offset in offsets.items()})
    finally:
        await consumer.stop()


def _by_topic(offsets: Mapping[TopicPartition, int]) -> Offsets:
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for place, offset in offsets.items():
        found[place.topic][place.partition] = offset
    return dict(found)


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
