"""Guarantees a database of its own to every test, migrated once per session and then copied."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from chassis.clock import Clock, SystemClock
from chassis.migrations import MigrationSource, checksum, migrate
from chassis.sql import Connection
from chassis.testing.containers import Postgres

_LOCK: Final = 0x7411_7E57
_PASSWORD: Final = "test"


@dataclass(frozen=True, slots=True)
class Database:
    """One service's database, as the service would be told of it."""

    name: str
    app_role: str
    dsn: str
    migration_dsn: str
    admin_dsn: str


@asynccontextmanager
async def fresh_database(
    postgres: Postgres, service: str, migrations: Sequence[MigrationSource] = (), clock: Clock | None = None
) -> AsyncGenerator[Database]:
    """A database that no other test sees, dropped at the end; connections left open don't keep it.

    Args:
        postgres: the session's server.
        service: the role's name as in production, `audit_log` rather than `audit-log`.
        migrations: the chassis' first, then the service's own; none gives an empty database.
        clock: stamps `migrations.applied_at`.
    """
    name = f"{service}_{uuid4().hex[:12]}"
    async with postgres.admin() as admin:
        template = await _template(postgres, admin, service, migrations, clock or SystemClock())
        await admin.execute(f"CREATE DATABASE {name} OWNER {service}_owner TEMPLATE {template}")
        await _only_for(admin, name, service)
    try:
        yield _told_to_service(postgres, service, name)
    finally:
        async with postgres.admin() as admin:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _template(
    postgres: Postgres, admin: Connection, service: str, migrations: Sequence[MigrationSource], clock: Clock
) -> str:
    """Name of the migrated database that copies are made of; a half-made one never bears that name."""
    # a server that crashed has emptied the unlogged tables of its templates too
    started = await admin.fetchval("SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint")
    name = f"template_{service}_{checksum(migrations)[:12]}_{started}"
    await admin.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return name
        await _ensure_roles(admin, service)
        unfinished = f"unfinished_{service}_{uuid4().hex[:12]}"
        await admin.execute(f"CREATE DATABASE {unfinished} OWNER {service}_owner TEMPLATE template0")
        await _only_for(admin, unfinished, service)
        if migrations:
            owner = postgres.dsn(f"{service}_owner", _PASSWORD, unfinished)
            await migrate(owner, migrations, app_role=service, clock=clock)
        await admin.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")
        return name
    finally:
        await admin.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _ensure_roles(admin: Connection, service: str) -> None:
    for role in (service, f"{service}_owner"):
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{_PASSWORD}'")


async def _only_for(admin: Connection, database: str, service: str) -> None:
    """As in production: no other service's role can connect (a copy doesn't inherit its template's grants)."""
    await admin.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await admin.execute(f"GRANT CONNECT ON DATABASE {database} TO {service}")


def _told_to_service(postgres: Postgres, service: str, name: str) -> Database:
    return Database(
        name=name,
        app_role=service,
        dsn=postgres.dsn(service, _PASSWORD, name),
        migration_dsn=postgres.dsn(f"{service}_owner", _PASSWORD, name),
        admin_dsn=postgres.dsn("postgres", "postgres", name),
    )
