"""Finds one event, and everything of the same chain, on the topics: by headers, from the time in its id, within bounds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, OffsetAndTimestamp
from contracts.envelope import BadEnvelope, read_envelope

from tillit_cli.proof.kafka_records import partitions_of

MOST_RECORDS: Final = 200_000
MOST_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
_SKEW: Final = timedelta(minutes=1)
"""How far the clocks of who says an event and who sends it may differ."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMED_UUID: Final = 7


@dataclass(frozen=True, slots=True)
class OnTopic:
    """One record, by its envelope; nothing of its key or body is kept."""

    event_id: UUID
    event_type: str
    source: str
    said_at: datetime
    correlation_id: UUID
    causation_id: UUID | None
    topic: str
    partition: int
    offset: int
    stored_at: datetime

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Found:
    """The records of the event's chain; `gap` says what was not read, if anything."""

    chain: Sequence[OnTopic]
    gap: str | None = None


def time_in(event_id: UUID) -> datetime | None:
    """When an event was said: its id begins with it (UUIDv7). None when it is an id of another kind."""
    if event_id.version != _TIMED_UUID:
        return None
    return _EPOCH + timedelta(milliseconds=event_id.int >> 80)


async def search(
    bootstrap: str, event_id: UUID, *, seconds: float = MOST_SECONDS, records: int = MOST_RECORDS
) -> Found:
    """Everything of the event's chain on any topic, from a minute before the event on. Joins no group."""
    began = time_in(event_id)
    since = max(began - _SKEW, _EPOCH) if began is not None else _EPOCH
    reading = _Reading(event_id, records)
    try:
        async with asyncio.timeout(seconds):
            await reading.run(bootstrap, since)
    except TimeoutError:
        if not reading.looked:
            return Found((), "Kafka does not answer: the topics were not read.")
        return Found(reading.chain(), f"The topics were read for {seconds:.0f} s; what came later is not shown.")
    except (KafkaError, OSError) as error:
        return Found(reading.chain(), f"Kafka does not answer ({type(error).__name__}): the topics were not read.")
    gap = f"{records} records were read; what came later is not shown." if reading.looked >= records else None
    return Found(reading.chain(), gap)


class _Reading:
    """Reads until the ends that the topics have now, or until it has read enough."""

    def __init__(self, event_id: UUID, records: int) -> None:
        self._event_id = event_id
        self._most = records
        self._seen: dict[UUID, list[OnTopic]] = {}
        self._correlation: UUID | None = None
        self.looked = 0

    def chain(self) -> list[OnTopic]:
        found = self._seen.get(self._correlation, []) if self._correlation is not None else []
        return sorted(found, key=lambda record: (record.stored_at, record.place, record.offset))

    async def run(self, bootstrap: str, since: datetime) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            partitions = await partitions_of(bootstrap)
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await consumer.start()
            await self._read(consumer, partitions, since)
        finally:
            await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition], since: datetime) -> None:
        stamp = int((since - _EPOCH).total_seconds() * 1000)
        begins = cast(
            "dict[TopicPartition, OffsetAndTimestamp | None]",
            await consumer.offsets_for_times(dict.fromkeys(partitions, stamp)),
        )
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
        left = {at: begin.offset for at, begin in begins.items() if begin is not None and begin.offset < ends[at]}
        consumer.assign(list(left))
        for at, offset in left.items():
            consumer.seek(at, offset)
        while left and self.looked < self._most:
            fetched = cast(
                "dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]",
                await consumer.getmany(*left, timeout_ms=200, max_records=2_000),
            )
            for read in fetched.values():
                for record in read:
                    self._look_at(record)
            for at in list(left):
                if await consumer.position(at) >= ends[at]:
                    del left[at]

    def _look_at(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        self.looked += 1
        try:
            envelope = read_envelope(record.headers)
        except BadEnvelope:
            return  # no event: it is parked wherever it was read
        if envelope.id == self._event_id:
            self._correlation = envelope.correlation_id
        elif self._correlation not in (None, envelope.correlation_id):
            return
        self._seen.setdefault(envelope.correlation_id, []).append(
            OnTopic(
                envelope.id,
                envelope.type,
                envelope.source,
                envelope.time,
                envelope.correlation_id,
                envelope.causation_id,
                record.topic,
                record.partition,
                record.offset,
                _EPOCH + timedelta(milliseconds=record.timestamp),
            )
        )
