"""Reads every record of every topic of a broker from its first, without joining or disturbing any consumer group."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import ConsumerRecord
from pydantic import BaseModel, TypeAdapter

_INTERNAL: Final = "__"


class _Partition(BaseModel):
    partition: int


class _Topic(BaseModel):
    topic: str
    partitions: list[_Partition]


_DESCRIBED: Final = TypeAdapter(list[_Topic])


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the broker keeps it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"

    def header(self, name: str) -> bytes | None:
        return next((value for found, value in self.headers if found == name), None)

    def parts(self) -> list[bytes]:
        """Every byte string of it."""
        return [part for part in (self.key, self.value, *(value for _, value in self.headers)) if part is not None]


async def partitions_of(bootstrap: str, topics: Collection[str] | None = None) -> list[TopicPartition]:
    """Every partition of these topics, of all that are not Kafka's own by default.

    Raises:
        LookupError: one of the topics does not exist.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        known = [name for name in await admin.list_topics() if not name.startswith(_INTERNAL)]
        wanted = sorted(known if topics is None else topics)
        if not set(wanted) <= set(known):
            raise LookupError(f"topics {sorted(set(wanted) - set(known))} do not exist")
        described = _DESCRIBED.validate_python(await admin.describe_topics(wanted))
    finally:
        await admin.close()
    return [TopicPartition(topic.topic, part.partition) for topic in described for part in topic.partitions]


async def consumer_groups(bootstrap: str) -> set[str]:
    """The name of every consumer group; a service's group for a topic is `SERVICE.TOPIC`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        found = cast("list[tuple[str, str]]", await admin.list_consumer_groups())
    finally:
        await admin.close()
    return {group for group, _ in found}


async def every_record(bootstrap: str, topics: Collection[str] | None = None) -> AsyncIterator[StoredRecord]:
    """All records up to the ends that the topics have now."""
    partitions = await partitions_of(bootstrap, topics)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
        begins = cast("dict[TopicPartition, int]", await consumer.beginning_offsets(partitions))
        left = {partition for partition in partitions if begins[partition] < ends[partition]}
        consumer.assign(list(left))
        while left:
            fetched = cast(
                "dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]",
                await consumer.getmany(*left, timeout_ms=500),
            )
            for partition, records in fetched.items():
                for record in records:
                    if record.offset < ends[partition]:
                        yield _stored(record)
            for partition in list(left):
                if await consumer.position(partition) >= ends[partition]:
                    left.discard(partition)
    finally:
        await consumer.stop()


def _stored(record: "ConsumerRecord[bytes, bytes]") -> StoredRecord:
    return StoredRecord(record.topic, record.partition, record.offset, record.key, tuple(record.headers), record.value)
