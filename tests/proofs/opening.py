"""Opens the four services on databases of their own, with one keyring, one clock and one set of topics in memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest
from audit_log_service.app import build as build_audit_log
from audit_log_service.settings import AuditLogSettings
from chassis.clock import MovedClock
from chassis.edge import serve
from chassis.service import Service
from chassis.testing.containers import Postgres, free_port
from chassis.testing.databases import fresh_database
from chassis.testing.services import LOGIN, Identities
from notifications_service.app import build as build_notifications
from notifications_service.settings import NotificationsSettings
from profile_service.app import build as build_profile
from profile_service.settings import ProfileSettings
from retention_service.app import build as build_retention
from retention_service.settings import RetentionSettings

from chassis import recovery
from tests.proofs.bus import OF_A_BROKER, BusReader
from tests.proofs.mailbox import mailbox
from tests.proofs.snapshots import rows_of
from tests.proofs.town import COOLING_OFF, NAMES, START, Door, Place, Town, app_of, started


@asynccontextmanager
async def town(postgres: Postgres, folder: Path) -> AsyncGenerator[Town]:
    """The four services, registered as holders, and nobody in them."""
    clock = MovedClock(START)
    async with AsyncExitStack() as stack:
        identities = Identities.new(folder, clock)
        box = await stack.enter_async_context(mailbox())
        port = free_port()
        door = Door()
        http = await stack.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=f"http://127.0.0.1:{port}")
        )
        made = Town(clock, identities, http, door, box)
        stop, accepting = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(
            serve(door, "127.0.0.1", port, stop=stop, started=lambda _: accepting.set(), drain_seconds=1)
        )
        stack.push_async_callback(_ended, serving, stop)
        await accepting.wait()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in OF_A_BROKER:
            patch.setattr(recovery, name, getattr(made.bus, name))
        for name in NAMES:
            await _open(made, name, postgres, folder, stack)
        await made.anew()
        yield made


async def _ended(serving: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    stop.set()
    await serving


async def _open(made: Town, name: str, postgres: Postgres, folder: Path, stack: AsyncExitStack) -> None:
    role = name.replace("-", "_")
    described = _maker(name, made, folder, "postgresql://nobody@127.0.0.1:9/none")()
    database = await stack.enter_async_context(fresh_database(postgres, role, described.migrations, made.clock))
    rows = await stack.enter_async_context(rows_of(database))
    make = _maker(name, made, folder, database.dsn)
    process = AsyncExitStack()
    place = Place(name, make, rows, await started(make, made.clock, process), process)
    stack.push_async_callback(lambda: place.process.aclose())
    made.places[name] = place
    for prepare in place.service.at_migration:
        await prepare()
    if name == "retention":
        made.door.app = app_of(place.service)


def _maker(name: str, made: Town, folder: Path, dsn: str) -> Callable[[], Service]:
    told: dict[str, object] = {
        "database_url": dsn,
        "kafka_bootstrap": "127.0.0.1:9",
        "keyring_url": str(made.http.base_url),
        "service_key_file": made.identities.key_file(name),
        "service_jwks_file": made.identities.service_jwks,
        "login_jwks_file": made.identities.login_jwks,
    }
    build = _MAKERS[name](told, made, folder)

    def make() -> Service:
        service = build()
        service.topic_offsets = BusReader(made.bus)
        return service

    return make


def _retention(told: dict[str, object], _made: Town, folder: Path) -> Callable[[], Service]:
    own = {
        "kek_dir": folder / "keks",
        "key_requests_per_second": 1_000_000,
        "fence_interval_seconds": 1,
        "public_url": "https://retention.example",
        "erasures_at_least": 1_000,
    }
    settings = RetentionSettings.model_validate({**told, **own})
    return lambda: build_retention(settings)


def _profile(told: dict[str, object], made: Town, _folder: Path) -> Callable[[], Service]:
    own = {"login_key_file": made.identities.key_file(LOGIN), "cooling_off_hours": COOLING_OFF / timedelta(hours=1)}
    settings = ProfileSettings.model_validate({**told, **own})
    return lambda: build_profile(settings)


def _notifications(told: dict[str, object], made: Town, _folder: Path) -> Callable[[], Service]:
    own = {
        "smtp_url": f"smtp://127.0.0.1:{made.mail.port}",
        "mail_from": "no-reply@portal.example",
        "portal_url": "https://portal.example",
    }
    settings = NotificationsSettings.model_validate({**told, **own})
    return lambda: build_notifications(settings)


def _audit_log(told: dict[str, object], made: Town, folder: Path) -> Callable[[], Service]:
    (folder / "log").mkdir(exist_ok=True)
    own = {"log_dir": folder / "log", "log_key_file": made.identities.key_file("operator"), "log_origin": "log.example"}
    settings = AuditLogSettings.model_validate({**told, **own})
    return lambda: build_audit_log(settings)


_MAKERS: Final = {
    "retention": _retention,
    "profile": _profile,
    "notifications": _notifications,
    "audit-log": _audit_log,
}
