"""The baseline: aiokafka alone, with the same bytes, on the same broker, in the same process and minute."""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from chassis.outbox import OutgoingEvent
from contracts.profile import JobInterestSaved
from contracts.wire import wire_form

Polled: TypeAlias = Mapping[TopicPartition, Sequence["ConsumerRecord[bytes, bytes]"]]
"""What getmany answers; aiokafka does not say."""


async def acknowledged(sent: Sequence[Any]) -> None:
    """Wait for the futures of `producer.send`, which aiokafka leaves untyped."""
    await asyncio.gather(*sent)


async def send(bootstrap: str, topic: str, events: Sequence[OutgoingEvent]) -> float:
    """Events per second of send + gather, 1,000 at a time, acks=all, idempotent."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=0, max_batch_size=128 * 1024
    )
    await producer.start()
    try:
        began = time.perf_counter()
        for start in range(0, len(events), 1_000):
            part = events[start : start + 1_000]
            await acknowledged(
                [
                    await producer.send(topic, event.body, key=event.key.encode(), headers=event.headers)
                    for event in part
                ]
            )
        return len(events) / (time.perf_counter() - began)
    finally:
        await producer.stop()


async def receive(bootstrap: str, topic: str, count: int) -> float:
    """Events per second of getmany, 500 at a time, each body validated (blobs stay sealed)."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=f"raw.{topic}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    form = wire_form(JobInterestSaved)
    try:
        taken, began = 0, 0.0
        while taken < count:
            polling = consumer.getmany(timeout_ms=100, max_records=500)  # pyright: ignore[reportUnknownVariableType]
            for records in (await cast("Awaitable[Polled]", polling)).values():
                began = began or time.perf_counter()
                for record in records:
                    form.parse(record.value or b"")
                taken += len(records)
        return count / (time.perf_counter() - began)
    finally:
        await consumer.stop()
