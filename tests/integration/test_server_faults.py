"""Database and broker may go at any time: nothing acknowledged is lost or doubled, and all recovers by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from chassis.errors import TRANSIENT
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import running, surroundings
from contracts.personal import SubjectId

from tests.integration.reader import arrivals, done
from tests.integration.town import Town, eventually, waiting_to_be_sent
from tests.integration.writer import say


@asynccontextmanager
async def under_load(town: Town) -> AsyncGenerator[list[SubjectId]]:
    """Both services run and people are spoken of while the block runs; then all that was committed has arrived, once."""
    town.behaviour.tells = True
    people = town.people(4)
    stop = asyncio.Event()
    acknowledged = dict.fromkeys(people, 0)

    async def write(subject: SubjectId) -> None:
        while not stop.is_set():
            try:
                acknowledged[subject] = await say(town.writer.database, subject)
            except TRANSIENT:
                await asyncio.sleep(0.1)
            await asyncio.sleep(0.01)

    async with running(town.writer), running(town.reader):
        writing = [asyncio.create_task(write(subject)) for subject in people]
        await asyncio.sleep(0.5)
        yield people
        await asyncio.sleep(0.5)
        stop.set()
        await asyncio.gather(*writing)
        for subject in people:
            committed = await said(town.writer, subject)
            assert committed >= acknowledged[subject] > 0
            numbers = await eventually(
                f"{committed} arrivals",
                lambda subject=subject: arrivals(town.reader, subject),
                lambda found, committed=committed: len(found) >= committed,
            )
            assert numbers == list(range(1, committed + 1))
            worked = await eventually(
                "the work",
                lambda subject=subject: done(town.reader, subject),
                lambda found, committed=committed: len(found) >= committed,
            )
            assert worked == list(range(1, committed + 1))
        for service in (town.writer, town.reader):
            await eventually(
                "an empty outbox", lambda service=service: waiting_to_be_sent(service), lambda rows: rows == 0
            )
            assert service.health.live().ok


async def said(service: Service, subject: SubjectId) -> int:
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM said WHERE subject_id = $1", subject))


async def test_the_database_is_restarted_under_load_and_nothing_is_lost_or_doubled(town: Town) -> None:
    async with under_load(town):
        await town.postgres.restart()


async def test_the_database_crashes_under_load_and_nothing_acknowledged_is_lost_or_doubled(town: Town) -> None:
    async with under_load(town):
        await town.postgres.crash()


async def test_the_broker_freezes_under_load_and_nothing_is_lost_or_doubled(town: Town) -> None:
    async with under_load(town), town.kafka.paused():
        await asyncio.sleep(3)


async def test_the_broker_is_restarted_under_load_and_nothing_is_lost_or_doubled(town: Town) -> None:
    async with under_load(town):
        await town.kafka.restart()


async def test_every_session_is_ended_again_and_again_and_nothing_is_lost_or_doubled(town: Town) -> None:
    names = [surroundings(service).database.name for service in (town.writer, town.reader)]
    async with under_load(town), town.postgres.admin() as admin:
        for _ in range(15):
            with suppress(*TRANSIENT):
                await admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY($1::text[])", names
                )
            await asyncio.sleep(0.2)


async def test_a_command_is_accepted_while_the_broker_is_away_and_its_event_arrives_later(town: Town) -> None:
    subject = town.person()
    async with running(town.writer), running(town.reader):
        async with town.kafka.paused():
            for _ in range(5):
                await say(town.writer.database, subject)
            assert await waiting_to_be_sent(town.writer) >= 5
            assert (await town.writer.health.ready()).ok
        await eventually("them", lambda: arrivals(town.reader, subject), lambda found: found == [1, 2, 3, 4, 5])
