"""A test's database is its own, is migrated, and grants what production grants."""

from pathlib import Path
from typing import cast

import asyncpg
import pytest
from asyncpg.exceptions import InsufficientPrivilegeError, InvalidCatalogNameError
from chassis.migrations import CHASSIS, BadMigrations, MigrationSource
from chassis.testing.containers import Postgres, connected
from chassis.testing.databases import Database, fresh_database


@pytest.fixture
def notes(tmp_path: Path) -> MigrationSource:
    (tmp_path / "0001_notes.sql").write_text("CREATE TABLE notes (id int PRIMARY KEY)")
    return MigrationSource("notes", tmp_path)


async def test_two_databases_of_one_service_share_nothing(postgres: Postgres, notes: MigrationSource) -> None:
    async with (
        fresh_database(postgres, service="profile", migrations=[notes]) as one,
        fresh_database(postgres, service="profile", migrations=[notes]) as two,
    ):
        await run(one.dsn, "INSERT INTO notes (id) VALUES (1)")
        assert await value(one.dsn, "SELECT count(*) FROM notes") == 1
        assert await value(two.dsn, "SELECT count(*) FROM notes") == 0


async def test_a_database_has_the_chassis_tables_and_is_gone_afterwards(postgres: Postgres) -> None:
    async with fresh_database(postgres, service="audit_log", migrations=[CHASSIS]) as database:
        assert await value(database.dsn, "SELECT to_regclass('outbox') IS NOT NULL")
        left_open = cast("asyncpg.Connection", await asyncpg.connect(database.dsn))
    with pytest.raises(InvalidCatalogNameError):
        await value(database.dsn, "SELECT 1")
    left_open.terminate()


async def test_the_app_role_may_not_change_the_schema(postgres: Postgres, notes: MigrationSource) -> None:
    async with fresh_database(postgres, service="profile", migrations=[notes]) as database:
        with pytest.raises(InsufficientPrivilegeError):
            await run(database.dsn, "CREATE TABLE mine (id int)")
        with pytest.raises(InsufficientPrivilegeError):
            await run(database.dsn, "DROP TABLE notes")


async def test_one_service_cannot_connect_to_the_database_of_another(postgres: Postgres) -> None:
    async with (
        fresh_database(postgres, service="profile") as profile,
        fresh_database(postgres, service="retention") as retention,
    ):
        with pytest.raises(InsufficientPrivilegeError):
            await value(retention.dsn.replace(retention.name, profile.name), "SELECT 1")


async def test_a_changed_migration_makes_another_template(postgres: Postgres, tmp_path: Path) -> None:
    source = MigrationSource("notes", tmp_path)
    for column in ("first", "second"):
        (tmp_path / "0001_notes.sql").write_text(f"CREATE TABLE notes ({column} int)")
        async with fresh_database(postgres, service="profile", migrations=[source]) as database:
            assert await columns(database) == [column]


async def test_a_migration_that_fails_leaves_no_template_behind(postgres: Postgres, tmp_path: Path) -> None:
    (tmp_path / "0001_broken.sql").write_text("CREATE TABLE broken (")
    for _ in range(2):
        with pytest.raises((asyncpg.PostgresSyntaxError, BadMigrations)):
            async with fresh_database(postgres, service="profile", migrations=[MigrationSource("notes", tmp_path)]):
                pytest.fail("a database that was not migrated was handed out")


async def columns(database: Database) -> list[str]:
    async with connected(database.dsn) as connection:
        rows = await connection.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'notes'")
        return [str(row["column_name"]) for row in rows]


async def run(dsn: str, statement: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute(statement)


async def value(dsn: str, query: str) -> object:
    async with connected(dsn) as connection:
        return await connection.fetchval(query)
