"""The table `migrations`: which numbered `.sql` files were applied, each once, under an advisory lock, with its checksum.

Migrations only add; what is no longer used goes in a later one, when no version that reads it runs any more.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple

import asyncpg

from chassis.clock import Clock
from chassis.logs import SafeError, get_logger
from chassis.sql import Connection, connect

_LOCK: Final = 0x7411_0001
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_ROLE = re.compile(r"[a-z_][a-z0-9_]*")
_log = get_logger()


class BadMigrations(SafeError):
    """The files and the database disagree; the text says which file and what to do."""


class Migration(NamedTuple):
    """One file."""

    source: str
    number: int
    name: str
    sql: str
    checksum: str


@dataclass(frozen=True, slots=True)
class MigrationSource:
    """A folder of numbered files, under a name that stays."""

    name: str
    folder: Traversable

    def read(self) -> list[Migration]:
        """The files in order.

        Raises:
            BadMigrations: a name that is not `0001_what_it_does.sql`, or a gap or repeat in the numbers.
        """
        found: list[Migration] = []
        for file in sorted(self.folder.iterdir(), key=lambda entry: entry.name):
            if not file.name.endswith(".sql"):
                continue
            match = _FILE.fullmatch(file.name)
            if match is None or int(match[1]) != len(found) + 1:
                raise BadMigrations(f"{self.name}/{file.name}: name it {len(found) + 1:04}_what_it_does.sql")
            sql = file.read_text(encoding="utf-8")
            found.append(Migration(self.name, int(match[1]), file.name, sql, sha256(sql.encode()).hexdigest()))
        return found


CHASSIS: Final = MigrationSource("chassis", files("chassis") / "migrations")


def checksum(sources: Sequence[MigrationSource]) -> str:
    """One digest of all files: two databases with the same were migrated alike."""
    parts = [migration.checksum for source in sources for migration in source.read()]
    return sha256("".join(parts).encode()).hexdigest()


async def migrate(dsn: str, sources: Sequence[MigrationSource], *, app_role: str, clock: Clock) -> int:
    """Apply what is missing, in order, each file in its own transaction; the answer is how many.

    Args:
        dsn: the owner's; the app's role gets SELECT, INSERT, UPDATE and DELETE on the tables and no more.
        sources: the chassis' first, then the service's own.

    Raises:
        BadMigrations: an applied file was changed, or the database knows a file that is not here.
    """
    if not _ROLE.fullmatch(app_role):
        raise BadMigrations("the app role's name must be lower-case letters, digits and _")
    connection = await connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (source text NOT NULL, number int NOT NULL, name text NOT NULL,"
            " checksum text NOT NULL, applied_at timestamptz NOT NULL, PRIMARY KEY (source, number))"
        )
        await _refuse_newer(connection, sources)
        pending = await _pending(connection, sources)
        for migration in pending:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO migrations (source, number, name, checksum, applied_at) VALUES ($1, $2, $3, $4, $5)",
                    migration.source,
                    migration.number,
                    migration.name,
                    migration.checksum,
                    clock.now(),
                )
            _log.info("migrations.applied", source=migration.source, file=migration.name)
        await connection.execute(f"GRANT USAGE ON SCHEMA public TO {app_role}")
        await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app_role}")
        await connection.execute(f"REVOKE INSERT, UPDATE, DELETE ON migrations FROM {app_role}")
        return len(pending)
    finally:
        await connection.close()


async def require_current(connection: Connection, sources: Sequence[MigrationSource]) -> None:
    """Refuse a database that lacks a migration, or was migrated by other files.

    Raises:
        BadMigrations: naming the first file, and the command that applies it.
    """
    try:
        pending = await _pending(connection, sources)
    except asyncpg.UndefinedTableError:
        raise BadMigrations("the database was never migrated: run this service with the role `migrate`") from None
    if pending:
        raise BadMigrations(
            f"{pending[0].source}/{pending[0].name} is not applied: run this service with the role `migrate`"
        )


async def applied(connection: Connection) -> dict[str, int]:
    """How many files of each source the database has applied."""
    rows = await connection.fetch("SELECT source, count(*) AS files FROM migrations GROUP BY source ORDER BY source")
    return {row["source"]: int(row["files"]) for row in rows}


async def _refuse_newer(connection: Connection, sources: Sequence[MigrationSource]) -> None:
    rows = await connection.fetch("SELECT source, number, name FROM migrations ORDER BY source, number")
    here = {(migration.source, migration.number) for source in sources for migration in source.read()}
    for row in rows:
        if (row["source"], row["number"]) not in here:
            raise BadMigrations(
                f"the database has {row['source']}/{row['name']}, which this version has not: run a newer one"
            )


async def _pending(connection: Connection, sources: Sequence[MigrationSource]) -> list[Migration]:
    rows = await connection.fetch("SELECT source, number, name, checksum FROM migrations ORDER BY source, number")
    applied = {(row["source"], row["number"]): row["checksum"] for row in rows}
    pending: list[Migration] = []
    for migration in (migration for source in sources for migration in source.read()):
        known = applied.get((migration.source, migration.number))
        if known is None:
            pending.append(migration)
        elif known != migration.checksum:
            raise BadMigrations(
                f"{migration.source}/{migration.name} was changed after it was applied: restore it and add a new file"
            )
    return pending
