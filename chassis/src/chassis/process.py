"""One process of a service: the roles `api`, `worker`, `migrate` and `all` of one image, and a bounded, graceful end."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import uvloop

from chassis import logs, migrations, recovery, telemetry
from chassis.admin import admin_routes
from chassis.destroyed_keys import follow_destroyed
from chassis.edge import make_app, serve
from chassis.explain_api import explain_routes
from chassis.jwks import JwksFile
from chassis.logs import SafeError, get_logger
from chassis.service import Service
from chassis.settings import ServiceSettings, load
from chassis.sql import borrow
from chassis.tokens import PORTAL_AUDIENCE, Role, Verifier, Verifiers, internal_audience
from chassis.worker import Worker

ROLES: Final = ("api", "worker", "migrate", "all")
_END_SECONDS: Final = 5
"""How long the parts may take to end once they are cancelled."""
LOGIN_ISSUER: Final = "profile"
LOGIN_ROLES: Final = (Role("job_seeker"), Role("employer"))
_log = get_logger()

S = TypeVar("S", bound=ServiceSettings)


def run(build: Callable[[S], Service], settings_class: type[S], arguments: Sequence[str] | None = None) -> None:
    """`python -m <package>.app ROLE`: load the settings, build the service, run the role until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description="Runs one role of the service. Settings are environment variables; see the service's settings.py."
    )
    parser.add_argument(
        "role", choices=ROLES, help="migrate: bring the database up to date and exit; all: api + worker"
    )
    role = str(parser.parse_args(arguments).role)
    settings = load(settings_class)
    tune_memory()
    try:
        service = build(settings)
        logs.configure(service.name, settings.log_level)
        uvloop.run(run_role(service, role))
    except SafeError as error:
        sys.exit(f"{settings_class.__name__.removesuffix('Settings').lower() or 'service'}: {error}")


def tune_memory() -> None:
    """Collect garbage less often: a batch makes many small objects that die young, and looking through them every 700
    took a sixth of its time. What was imported is never looked at again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


async def run_role(service: Service, role: str, stop: asyncio.Event | None = None) -> None:
    """Run one role until `stop` is set, or a signal asks for it; then drain within the settings' bound."""
    if role == "migrate":
        await migrate(service)
        return
    stop = stop or asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        tracing = telemetry.configure(service.name, service.settings, metrics=service.metrics)
        stack.callback(tracing.shutdown)
        await service.open(stack)
        await _serve(service, role, stop)


async def migrate(service: Service) -> None:
    """Bring the schema up to date with the owner's role, then do what the service needs once with the app's.

    Raises:
        SafeError: TILLIT_MIGRATION_DATABASE_URL is missing, or the files and the database disagree.
    """
    owner = service.settings.owner_database_url().get_secret_value()
    app_role = urlsplit(service.settings.database_url.get_secret_value()).username or ""
    applied = await migrations.migrate(owner, service.migrations, app_role=app_role, clock=service.clock)
    async with AsyncExitStack() as stack:
        await service.open(stack)
        for prepare in service.at_migration:
            await prepare()
    _log.info("migrations.done", applied=applied)


async def _serve(service: Service, role: str, stop: asyncio.Event) -> None:
    worker = Worker(service) if role in ("worker", "all") else None
    service.health.check("database", partial(_database_ready, service))
    service.health.check("caught up after a restore", partial(recovery.of_today, service))
    if worker is not None:
        service.health.check("assignment", worker.assigned)
    tasks: list[asyncio.Task[None]] = [_background(service.wakeups.run()), _background(follow_destroyed(service.keys))]
    if worker is not None:
        tasks.extend(_background(part) for part in worker.parts())
    http_stop = asyncio.Event()
    http = _background(_http(service, role, http_stop))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({*tasks, http, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # A part that ended by itself is a defect: the process ends too, and whoever supervises it starts it anew.
        failed = next((task for task in (*tasks, http) if task.done()), None)
        service.health.drain()
        _log.info("process.draining", role=role)
        http_stop.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(service.settings.drain_seconds):
                await asyncio.gather(http, *([worker.drain()] if worker is not None else []), return_exceptions=True)
    finally:
        for task in (*tasks, http, stopping):
            task.cancel()
        await asyncio.wait({*tasks, http, stopping}, timeout=_END_SECONDS)
    _log.info("process.stopped", role=role)
    if failed is not None and not failed.cancelled():
        failed.result()


def _background(part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(part)


async def _http(service: Service, role: str, stop: asyncio.Event) -> None:
    settings = service.settings
    own = [*service.routers(), admin_routes(service), explain_routes(service, LOGIN_ROLES)]
    routers = own if role in ("api", "all") else []
    app = make_app(
        title=f"Tillit {service.name}",
        routers=routers,
        settings=settings,
        health=service.health,
        metrics=service.metrics,
        verifiers=verifiers(service),
        clock=service.clock,
        own_secret=service.own_key.secret("http"),
    )
    await serve(
        app,
        settings.http_host,
        settings.http_port,
        stop=stop,
        started=lambda port: _log.info("http.listening", port=port),
        drain_seconds=settings.drain_seconds,
        trusted_proxies=settings.trusted_proxies,
    )


def verifiers(service: Service) -> Verifiers:
    """Whom this edge believes: services and operators by one JWKS, people by the login's."""
    internal, login = JwksFile(service.settings.service_jwks_file), JwksFile(service.settings.login_jwks_file)
    return Verifiers(
        Verifier(internal, internal_audience(service.name), service.clock),
        Verifier(login, PORTAL_AUDIENCE, service.clock, people={LOGIN_ISSUER: LOGIN_ROLES}),
    )


async def _database_ready(service: Service) -> bool:
    async with borrow(service.database.pool) as connection:
        await migrations.require_current(connection, service.migrations)
    return True
