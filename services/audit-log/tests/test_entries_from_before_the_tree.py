"""A log that was kept before there was a tree gets a leaf for each of its entries, and no entry is added without one."""

import shutil
from importlib.resources import files
from pathlib import Path

from audit_log_service import unsequenced_batches
from chassis.clock import SystemClock
from chassis.migrations import CHASSIS, MigrationSource, migrate
from chassis.sql import connect
from chassis.testing.containers import Postgres
from chassis.testing.databases import fresh_database

_INSERT = (
    "INSERT INTO entries (topic, partition, record_offset, type, source, schema, hour, commitment)"
    " SELECT 't', 0, n, 'a.v1', 'b', 'c', '2026-01-01T00:00:00Z', sha256(n::text::bytea)"
    " FROM generate_series($1::int, $2::int) AS n"
)


async def test_every_entry_of_an_older_version_waits_for_its_leaf(postgres: Postgres, tmp_path: Path) -> None:
    whole = files("audit_log_service") / "migrations"
    shutil.copy(str(whole / "0001_entries.sql"), tmp_path)
    before = [CHASSIS, MigrationSource("audit-log", tmp_path)]
    async with fresh_database(postgres, "audit_log", before) as database:
        connection = await connect(database.dsn)
        try:
            await connection.execute(_INSERT, 1, 300)
            now = [CHASSIS, MigrationSource("audit-log", whole)]
            await migrate(database.migration_dsn, now, app_role=database.app_role, clock=SystemClock())
            assert await unsequenced_batches.count(connection) == 300
            await connection.execute(_INSERT, 301, 305)
            assert sum(map(len, await unsequenced_batches.take(connection, 1000))) == 305
            assert await unsequenced_batches.take(connection, 1000) == []
        finally:
            await connection.close()


async def test_waiting_entries_are_taken_oldest_first_and_none_twice_or_never(postgres: Postgres) -> None:
    sources = [CHASSIS, MigrationSource("audit-log", files("audit_log_service") / "migrations")]
    async with fresh_database(postgres, "audit_log", sources) as database:
        connection = await connect(database.dsn)
        try:
            for first, last in ((1, 4), (5, 5), (6, 20), (21, 22)):
                await connection.execute(_INSERT, first, last)
            taken = [await unsequenced_batches.take(connection, 6) for _ in range(4)]
            # neighbours are joined, and a batch larger than the limit is taken whole
            assert taken == [[range(1, 6)], [range(6, 21)], [range(21, 23)], []]
        finally:
            await connection.close()
