"""Reads every record of every topic of a broker from its first, without joining or disturbing any consumer group."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

_INTERNAL: Final = "__"


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


async def every_record(bootstrap: str, topics: set[str] | None = None) -> AsyncIterator[StoredRecord]:
    """All records up to the ends that the topics have now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        known = cast("set[str]", await consumer.topics())
        names = topics or {name for name in known if not name.startswith(_INTERNAL)}
        partitions = [
            TopicPartition(name, number)
            for name in sorted(names)
            for number in sorted(consumer.partitions_for_topic(name) or ())
        ]
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
