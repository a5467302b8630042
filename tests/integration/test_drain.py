"""A process that is told to end finishes what it has in hand, within its bound, and says no personal thing on the way."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import httpx
from chassis.clock import monotonic
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.testing.containers import free_port

from tests.integration.hostile import sealed, send, send_event, with_header
from tests.integration.process import SLOW
from tests.integration.reader import POISON, adverts, arrivals
from tests.integration.town import Town, eventually, parked_rows
from tests.integration.writer import advert, corrected, removed, saved

ROOT: Final = Path(__file__).parents[2]
CANARY: Final = "Torbjørn Canary Fjellstad"
DRAIN_SECONDS: Final = 4


@asynccontextmanager
async def a_process(town: Town, log: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A process of the reader that is ready; what it says is in `log`. It is killed if it outlives the block."""
    settings = town.reader.settings.model_copy(update={"http_port": free_port(), "drain_seconds": DRAIN_SECONDS})
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.integration.process", "all"),
            cwd=ROOT,
            env={**os.environ, **environment(settings)},
            stdout=said,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        async with httpx.AsyncClient() as http:

            async def ready() -> bool:
                try:
                    return (await http.get(f"http://127.0.0.1:{settings.http_port}/health/ready")).is_success
                except httpx.HTTPError:
                    return False

            await eventually(f"a ready process, see {log}", ready, bool)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def environment(settings: ServiceSettings) -> dict[str, str]:
    """What the process is told; the opened service of the test has the same."""
    told = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "TOPIC_PREFIX": settings.topic_prefix,
        "HTTP_PORT": settings.http_port,
        "DRAIN_SECONDS": settings.drain_seconds,
        "KEYRING_URL": settings.keyring_url,
        "SERVICE_KEY_FILE": settings.service_key_file,
        "SERVICE_JWKS_FILE": settings.service_jwks_file,
        "LOGIN_JWKS_FILE": settings.login_jwks_file,
        "LOG_LEVEL": "DEBUG",
    }
    return {f"TILLIT_{name}": str(value) for name, value in told.items()}


async def begun(service: Service, seconds: int) -> None:
    """Have an errand of so many seconds done, and return when somebody is at it."""
    async with service.database.transaction(keys=()) as tx:
        tx.enqueue(SLOW, str(seconds))

    async def leased() -> bool:
        async with borrow(service.database.pool) as connection:
            found = await connection.fetchval("SELECT count(*) FROM work WHERE kind = $1 AND lease IS NOT NULL", SLOW)
        return bool(found)

    await eventually("the errand to begin", leased, bool)


async def test_on_sigterm_the_errand_in_hand_ends_and_nothing_new_is_begun(town: Town, tmp_path: Path) -> None:
    async with a_process(town, tmp_path / "log") as process:
        await begun(town.reader, 2)
        process.send_signal(signal.SIGTERM)
        async with town.reader.database.transaction(keys=()) as tx:
            tx.enqueue(SLOW, "1")
        began = monotonic()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert monotonic() - began < DRAIN_SECONDS
    assert await all_done(town.reader) == [2]


async def test_on_sigterm_what_takes_longer_than_the_bound_is_cut_off_and_stays_to_be_done(
    town: Town, tmp_path: Path
) -> None:
    async with a_process(town, tmp_path / "log") as process:
        await begun(town.reader, 60)
        process.send_signal(signal.SIGTERM)
        began = monotonic()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        assert DRAIN_SECONDS - 0.5 < monotonic() - began < DRAIN_SECONDS + 6
    assert await all_done(town.reader) == []
    async with borrow(town.reader.database.pool) as connection:
        assert await connection.fetchval("SELECT count(*) FROM work WHERE kind = $1", SLOW) == 1


async def test_records_that_came_before_sigterm_are_taken_in_or_left_for_the_next_process(
    town: Town, tmp_path: Path
) -> None:
    subject = town.person()
    async with a_process(town, tmp_path / "first") as process:
        for number in range(1, 101):
            await send_event(town, sealed(town, saved(subject, number)))
            if number == 60:
                process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0
    async with a_process(town, tmp_path / "second"):
        numbers = await eventually("all", lambda: arrivals(town.reader, subject), lambda found: len(found) >= 100)
    assert numbers == list(range(1, 101))


async def test_no_log_line_of_a_stormy_run_holds_personal_data(town: Town, tmp_path: Path) -> None:
    log = tmp_path / "log"
    subject, poisoned, marker = town.people(3)
    async with a_process(town, log) as process:
        await send_event(town, sealed(town, saved(subject, 1, CANARY)))
        await send_event(town, sealed(town, corrected(subject, CANARY)))
        await send_event(town, sealed(town, saved(poisoned, 1, f"{POISON} {CANARY}")))
        await send_event(town, sealed(town, saved(poisoned, 2, CANARY)))
        await send_event(town, sealed(town, advert(uuid4(), f"{CANARY}\x00")))
        clear = sealed(town, removed(town.person(), 1))
        body = clear.body[:-1] + f', "{CANARY}": "{CANARY}"}}'.encode()
        for value in (body, CANARY.encode(), b"{" + CANARY.encode()):
            await send(town, clear.topic, key=clear.key.encode(), value=value, headers=[*clear.headers])
        for name in ("ce_id", "ce_type", "ce_subject", "traceparent", CANARY):
            headers = with_header(clear, name, CANARY.encode())
            await send(town, clear.topic, key=clear.key.encode(), value=clear.body, headers=headers)
        await send(town, clear.topic, key=CANARY.encode(), value=None, headers=[])
        async with town.postgres.admin() as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'notifications'"
            )
        town.keyring.unavailable = True
        await send_event(town, sealed(town, advert(uuid4(), "good")))
        await eventually("the good advert", lambda: adverts(town.reader), lambda found: found == ["good"])
        town.keyring.unavailable = False
        await send_event(town, sealed(town, saved(marker, 1)))
        await eventually("the marker", lambda: arrivals(town.reader, marker), lambda found: found == [1])
        assert len(await parked_rows(town.reader)) >= 8
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 20)
    said = log.read_text(errors="replace")
    assert "event.parked" in said
    assert "record.parked" in said
    for word in ("Canary", "Fjellstad", "Torbj"):
        assert word not in said, [line for line in said.splitlines() if word in line][:3]


async def all_done(service: Service) -> list[int]:
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT number FROM done ORDER BY number")
    return [row["number"] for row in rows]
