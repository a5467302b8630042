"""Reads what a service itself said since its database's backup, where that service is the source of it.

Its reactions put back what they can; whoever was erased meanwhile is erased again before, so the guard lets nothing of
them through.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.structs import OffsetAndTimestamp

from chassis.batch import MAX_RECORDS, BatchRunner
from chassis.records import Record
from chassis.service import Service
from chassis.topic_offsets import extent

_TIMEOUT_MS: Final = 5_000
_POLL_MS: Final = 500


def runner_of(service: Service) -> BatchRunner:
    """Runs the reactions to the service's own events, whose ids it remembers as those of others: each runs once."""
    return BatchRunner(
        service.database,
        reactions=service.own_past,
        raw=None,
        holder=service.holder,
        own_key=service.own_key,
        metrics=service.metrics,
        topic_prefix=service.settings.topic_prefix,
    )


async def read_own_past(service: Service, since: datetime) -> int:
    """Take in again what stands on the service's own topics since a moment; the answer is how many records that were.

    Raises:
        Exception: one of `chassis.errors.TRANSIENT`; begin anew.
    """
    topics = {service.settings.topic_prefix + event.topic.name for event in service.own_past}
    if not topics:
        return 0
    bootstrap, runner, count = service.settings.kafka_bootstrap, runner_of(service), 0
    ends = {
        TopicPartition(topic, partition): end
        for topic, found in (await extent(bootstrap, topics)).ends.items()
        for partition, end in found.items()
    }
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=_TIMEOUT_MS,
    )
    await consumer.start()
    try:
        left = await _seek(consumer, ends, since)
        while left:
            polled = cast(
                "dict[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]",
                await consumer.getmany(*left, timeout_ms=_POLL_MS, max_records=MAX_RECORDS),
            )
            for place, found in polled.items():
                records = [_record(raw) for raw in found]
                await runner.run(place.topic, records, [])
                count += len(records)
            left = [place for place in left if await consumer.position(place) < ends[place]]
    finally:
        await consumer.stop()
    return count


async def _seek(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], since: datetime) -> list[TopicPartition]:
    """Go to the first record of each partition since then; the answer is those that have one."""
    consumer.assign(list(ends))
    moment = int(since.timestamp() * 1000)
    found = cast(
        "dict[TopicPartition, OffsetAndTimestamp | None]",
        await consumer.offsets_for_times(dict.fromkeys(ends, moment)),
    )
    first = {place: at.offset for place, at in found.items() if at is not None}
    for place, offset in first.items():
        consumer.seek(place, offset)
    return [place for place, offset in first.items() if offset < ends[place]]


def _record(raw: "ConsumerRecord[bytes, bytes]") -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.headers, raw.value)
