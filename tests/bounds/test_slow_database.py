"""A slow database makes everything slower, and nothing wrong: no event is lost, doubled or parked, no membership ends."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
from chassis.clock import monotonic
from chassis.testing.containers import connected
from chassis.testing.services import running, surroundings
from confluent_kafka.admin import AdminClient
from contracts.personal import SubjectId
from contracts.topics import PROFILE

from tests.bounds.memory import watched_memory
from tests.bounds.metrics import measured
from tests.integration.reader import arrivals
from tests.integration.town import Town, eventually, parked_rows
from tests.integration.writer import publish, saved, say

PEOPLE: Final = 20
EVENTS: Final = 40
MOST_MIB: Final = 60
LOCKED_SECONDS: Final = 15.0
"""Longer than a transaction waits for a lock or a statement may take, and than a member of a group may be silent."""


@asynccontextmanager
async def slow_commits(town: Town) -> AsyncGenerator[None]:
    """Every transaction that takes an event in takes half a second more."""
    async with connected(surroundings(town.reader).database.migration_dsn) as connection:
        await connection.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$"
        )
        await connection.execute(
            "CREATE TRIGGER slow AFTER UPDATE OR INSERT ON offsets FOR EACH STATEMENT EXECUTE FUNCTION slow()"
        )
        yield
        await connection.execute("DROP TRIGGER slow ON offsets")


@asynccontextmanager
async def locked_inbox(town: Town) -> AsyncGenerator[None]:
    """Nobody can write down what was taken in: each statement waits until it is given up."""
    async with connected(surroundings(town.reader).database.migration_dsn) as connection, connection.transaction():
        await connection.execute("LOCK TABLE inbox IN EXCLUSIVE MODE")
        yield


async def all_arrived(town: Town, people: Sequence[SubjectId], wanted: list[int]) -> None:
    for subject in people:
        await eventually("all", lambda s=subject: arrivals(town.reader, s), lambda got: len(got) >= len(wanted))
        assert await arrivals(town.reader, subject) == wanted
    assert await parked_rows(town.reader) == []


async def test_slow_transactions_take_larger_batches_and_lose_nothing(town: Town) -> None:
    people = town.people(PEOPLE)
    async with running(town.writer), running(town.reader), watched_memory() as memory:
        async with slow_commits(town):
            for number in range(1, EVENTS + 1):
                await publish(town.writer.database, *(saved(subject, number) for subject in people))
            await all_arrived(town, people, list(range(1, EVENTS + 1)))
        assert await measured(town.reader, "tillit_batch_retries_total") == 0
        batches = await measured(town.reader, "tillit_batch_size_count")
        assert batches < PEOPLE * EVENTS / 10, "what waits is taken together"
    assert memory.growth < MOST_MIB


async def test_a_database_that_answers_nothing_for_longer_than_anybody_waits_is_waited_for(town: Town) -> None:
    people = town.people(PEOPLE)
    async with running(town.writer), running(town.reader), watched_memory() as memory:
        for subject in people:
            await say(town.writer.database, subject)
        await all_arrived(town, people, [1])
        before = await members(town)
        assert len(before) == 1
        async with locked_inbox(town):
            for subject in people:
                await say(town.writer.database, subject)
            began = monotonic()
            while monotonic() - began < LOCKED_SECONDS:
                assert await alive(town), "who waits for a database is no broken process"
                in_use = await measured(town.reader, "tillit_database_connections")
                assert in_use <= 12
                await asyncio.sleep(0.5)
            assert await measured(town.reader, "tillit_batch_retries_total") > 0
            for subject in people:
                assert await arrivals(town.reader, subject) == [1]
        await all_arrived(town, people, [1, 2])
        assert await members(town) == before, "a member was thought dead"
    assert memory.growth < MOST_MIB


async def alive(town: Town) -> bool:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"http://127.0.0.1:{town.reader.settings.http_port}/health/live")).is_success


async def members(town: Town) -> set[str]:
    """Who is in the group of the topic on which the events come."""
    admin = AdminClient({"bootstrap.servers": town.kafka.bootstrap})
    group = town.reader.group(PROFILE)
    found = await asyncio.to_thread(lambda: _described(admin.describe_consumer_groups([group])[group]))
    return {member.member_id for member in found.members}


def _described(asked: Any) -> Any:
    return asked.result(20)
