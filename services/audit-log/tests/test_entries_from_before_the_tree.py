"""A log that was kept before there was a tree gets a leaf for each of its entries, and no entry is added without one."""

import shutil
from importlib.resources import files
from pathlib import Path

from audit_log_service import unsequenced
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
            assert await unsequenced.count(connection) == 300
            await connection.execute(_INSERT, 301, 305)
            assert len(await unsequenced.take(connection, 1000)) == 305
        finally:
            await connection.close()
