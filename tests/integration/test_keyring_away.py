"""Without the keyring what needs a key waits, what needs none goes on, nothing stands in the clear, and all recovers."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest
from chassis.errors import KeyringUnavailable
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import running
from contracts.personal import Category

from tests.integration.hostile import sealed, send_event
from tests.integration.reader import adverts, arrivals
from tests.integration.town import Town, eventually, parked_rows
from tests.integration.writer import advert, removed, saved, say

CANARY = "Torbjørn Canary Fjellstad"

Away = Callable[[Town], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def refusing(town: Town) -> AsyncGenerator[None]:
    """It answers, with 503."""
    town.keyring.unavailable = True
    yield
    town.keyring.unavailable = False


@asynccontextmanager
async def gone(town: Town) -> AsyncGenerator[None]:
    """Nobody listens at its address."""
    await town.keyring.stop()
    yield
    await town.keyring.start()


@pytest.mark.parametrize("away", [refusing, gone])
async def test_without_the_keyring_personal_events_wait_and_the_others_go_on(town: Town, away: Away) -> None:
    known, stranger = town.people(2)
    async with running(town.writer), running(town.reader):
        await say(town.writer.database, known)
        await eventually("the first event", lambda: arrivals(town.reader, known), lambda found: found == [1])
        async with away(town):
            await send_event(town, sealed(town, saved(stranger, 1, CANARY)))
            await send_event(town, sealed(town, removed(stranger, 2)))
            for number in range(3):
                await send_event(town, sealed(town, advert(uuid4(), f"advert {number}")))
            await eventually("what needs no key", lambda: adverts(town.reader), lambda found: len(found) == 3)
            await eventually("tries", lambda: retries(town), lambda count: count >= 2)
            assert await arrivals(town.reader, stranger) == []
            assert await parked_rows(town.reader) == []
            assert (await town.reader.health.ready()).ok
            assert town.reader.health.live().ok
            with pytest.raises(KeyringUnavailable):
                await say(town.writer.database, stranger, CANARY)
            with pytest.raises(KeyringUnavailable):
                await town.writer.keys.make(stranger, [Category.USER_INFORMATION])
            # known people's keys are still at hand, and so is the log's
            await say(town.writer.database, known, CANARY)
        await eventually("what waited", lambda: arrivals(town.reader, stranger), lambda found: found == [1, 2])
        await eventually("the rest", lambda: arrivals(town.reader, known), lambda found: found == [1, 2])
    for service in (town.reader, town.writer):
        assert CANARY not in await everything_stored(service)
        assert CANARY.encode().hex() not in await everything_stored(service)


async def test_a_worker_that_starts_without_the_keyring_is_ready_and_registers_later(town: Town) -> None:
    town.keyring.unavailable = True
    async with running(town.writer), running(town.reader):
        await send_event(town, sealed(town, advert(uuid4(), "one")))
        await eventually("what needs no key", lambda: adverts(town.reader), lambda found: found == ["one"])
        assert await registered(town.reader) == 0
        town.keyring.unavailable = False
        await eventually("the registration", lambda: registered(town.reader), lambda rows: rows == 1)
        subject = town.person()
        await say(town.writer.database, subject)
        await eventually("an event", lambda: arrivals(town.reader, subject), lambda found: found == [1])


async def retries(town: Town) -> int:
    """How often a batch of the reader was tried again."""
    found = town.reader.metrics.registry.collect()
    return int(
        sum(
            sample.value for metric in found for sample in metric.samples if sample.name == "tillit_batch_retries_total"
        )
    )


async def registered(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM registration"))


async def everything_stored(service: Service) -> str:
    """Every row of every table as text, bytes in hexadecimal."""
    async with borrow(service.database.pool) as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts: list[str] = []
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['tablename']} t")
            texts.extend(row["row"] for row in rows)
    return "\n".join(texts)
