"""Publishes what no service of ours would, with a foreign client where it lets us, byte by byte where it doesn't."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c_py
from chassis.clock import SystemClock
from chassis.outbox import OutgoingEvent
from chassis.testing.services import seal_event
from confluent_kafka import Producer
from contracts.event import Event

from tests.integration.town import Town

PARTITION: Final = 0
"""Everything here goes to one partition, so that a record that stalls it is seen."""
_CRC, _AFTER_CRC = 17, 21

Headers = Sequence[tuple[str, bytes | None]]


def sealed(town: Town, event: Event) -> OutgoingEvent:
    """An event as its owner would send it."""
    return seal_event(town.keyring, event, clock=SystemClock(), prefix=town.prefix)


def with_header(event: OutgoingEvent, name: str, value: bytes | None) -> list[tuple[str, bytes | None]]:
    """The event's headers with one of them replaced, or added."""
    return [*((n, v) for n, v in event.headers if n != name), (name, value)]


async def send(
    town: Town,
    topic: str,
    *,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Publish one record; on return the broker has it."""

    def produce() -> None:
        producer = Producer({"bootstrap.servers": town.kafka.bootstrap, **(settings or {})})
        producer.produce(topic, value, key, PARTITION, headers=list(headers))
        assert producer.flush(20) == 0, "the broker did not take the record"

    await asyncio.to_thread(produce)


async def send_event(town: Town, event: OutgoingEvent, settings: Mapping[str, str] | None = None) -> None:
    """Publish a good event."""
    await send(town, event.topic, key=event.key.encode(), value=event.body, headers=[*event.headers], settings=settings)


async def send_with_header_name(town: Town, event: OutgoingEvent, name: bytes) -> None:
    """Publish an event with one more header, whose name may be any bytes."""
    stand_in = "?" * len(name)
    producer = AIOKafkaProducer(bootstrap_servers=town.kafka.bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch.append(
            timestamp=None, key=event.key.encode(), value=event.body, headers=[*event.headers, (stand_in, b"")]
        )
        raw = bytearray(batch._build()).replace(stand_in.encode(), name)  # pyright: ignore[reportPrivateUsage]
        raw[_CRC:_AFTER_CRC] = calc_crc32c_py(raw[_AFTER_CRC:]).to_bytes(4)
        batch._buffer = raw  # pyright: ignore[reportPrivateUsage]
        await (await producer.send_batch(batch, event.topic, partition=PARTITION))
    finally:
        await producer.stop()
