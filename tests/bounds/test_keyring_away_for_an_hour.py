"""The keyring is away for an hour: what needs keys waits and stays small, the rest goes on, and then all is made up for."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import pytest_asyncio
from chassis.clock import MovedClock
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.services import running
from confluent_kafka import Producer
from contracts.personal import SubjectId

from tests.bounds.memory import watched_memory
from tests.bounds.metrics import measured
from tests.integration.hostile import sealed, send_event
from tests.integration.reader import adverts, arrivals, done
from tests.integration.town import Town, eventually, parked_rows, town
from tests.integration.writer import advert, saved, say

PEOPLE: Final = 30
EVENTS: Final = 20
MOST_MIB: Final = 60
CLOCK: Final = MovedClock(datetime(2026, 5, 4, 8, tzinfo=UTC))


@pytest_asyncio.fixture(name="town")
async def town_whose_clock_moves(kafka: Kafka, postgres: Postgres, topic_prefix: str) -> AsyncGenerator[Town]:
    async with town(kafka, postgres, topic_prefix, CLOCK) as made:
        yield made


async def test_an_hour_without_keys_loses_nothing_stops_nobody_else_and_is_made_up_for(town: Town) -> None:
    people = town.people(PEOPLE)
    town.behaviour.tells = True
    async with running(town.writer), running(town.reader), watched_memory() as memory:
        for subject in people:
            await say(town.writer.database, subject)
        for subject in people:
            await eventually("what came before", lambda s=subject: arrivals(town.reader, s), lambda got: got == [1])
        await town.keyring.stop()
        for minutes in range(60):
            CLOCK.advance(timedelta(minutes=1))
            if minutes == 10:  # the keys that were cached are believed no more
                await asyncio.to_thread(publish_for, town, people)
            if minutes % 20 == 15:
                await send_event(town, sealed(town, advert(uuid4(), f"advert {minutes}")))
            await asyncio.sleep(0.1)
        await eventually("what needs no key", lambda: adverts(town.reader), lambda got: len(got) == 3)
        assert await parked_rows(town.reader) == []
        assert (await town.reader.health.ready()).ok, "a worker that waits for keys is no broken one"
        assert await measured(town.reader, "tillit_keyring_requests_total", outcome="no answer") > 0
        assert await measured(town.reader, "tillit_keys_cached") <= 20_000
        await town.keyring.start()
        wanted = list(range(1, EVENTS + 2))
        for subject in people:
            await eventually("what waited", lambda s=subject: arrivals(town.reader, s), lambda got: got == wanted)
            await eventually("its work", lambda s=subject: done(town.reader, s), lambda got: got == wanted)
    assert memory.growth < MOST_MIB


def publish_for(town: Town, people: Sequence[SubjectId]) -> None:
    """Events of other processes, which hold keys still."""
    producer = Producer({"bootstrap.servers": town.kafka.bootstrap, "partitioner": "murmur2_random"})
    for number in range(2, EVENTS + 2):
        for subject in people:
            event = sealed(town, saved(subject, number))
            producer.produce(event.topic, event.body, event.key.encode(), headers=[*event.headers])
    assert producer.flush(20) == 0
