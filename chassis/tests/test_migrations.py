"""A database is brought up to date once, by files that stay as they were; and it says what to do when it is not."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from chassis.clock import MovedClock
from chassis.migrations import CHASSIS, BadMigrations, MigrationSource, checksum, migrate, require_current
from chassis.sql import connect
from chassis.testing.containers import Postgres
from chassis.testing.databases import Database, fresh_database

from .town import AT, MIGRATIONS

CLOCK = MovedClock(AT)


@pytest_asyncio.fixture
async def empty(postgres: Postgres) -> AsyncGenerator[Database]:
    async with fresh_database(postgres, "notifications") as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_people.sql").write_text("CREATE TABLE people (id int PRIMARY KEY);")
    (tmp_path / "0002_names.sql").write_text("ALTER TABLE people ADD COLUMN name text;")
    return tmp_path


async def bring_up(database: Database, *sources: MigrationSource) -> int:
    return await migrate(database.migration_dsn, sources, app_role=database.app_role, clock=CLOCK)


async def is_current(database: Database, *sources: MigrationSource) -> None:
    connection = await connect(database.dsn)
    try:
        await require_current(connection, sources)
    finally:
        await connection.close()


async def refused_as_app(database: Database, *statements: str) -> None:
    """Each of these, asked by the app's own role, is refused."""
    connection = await connect(database.dsn)
    try:
        for statement in statements:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_every_file_is_applied_once_and_what_is_new_later(empty: Database, folder: Path) -> None:
    source = MigrationSource("town", folder)
    assert await bring_up(empty, CHASSIS, source) == len(CHASSIS.read()) + 2
    assert await bring_up(empty, CHASSIS, source) == 0
    (folder / "0003_more.sql").write_text("CREATE TABLE more (id int PRIMARY KEY);")
    assert await bring_up(empty, CHASSIS, source) == 1
    await is_current(empty, CHASSIS, source)
    connection = await connect(empty.dsn)
    try:
        rows = await connection.fetch(
            "SELECT number, name, applied_at FROM migrations WHERE source = 'town' ORDER BY number"
        )
    finally:
        await connection.close()
    assert [(row["number"], row["name"]) for row in rows] == [
        (1, "0001_people.sql"),
        (2, "0002_names.sql"),
        (3, "0003_more.sql"),
    ]
    assert {row["applied_at"] for row in rows} == {AT}


async def test_runners_at_the_same_time_apply_each_file_once(empty: Database) -> None:
    sources = (CHASSIS, MIGRATIONS)
    applied = await asyncio.gather(*(bring_up(empty, *sources) for _ in range(3)))
    assert sorted(applied) == [0, 0, sum(len(source.read()) for source in sources)]


async def test_a_file_that_fails_leaves_nothing_of_itself_and_keeps_those_before_it(
    empty: Database, folder: Path
) -> None:
    broken = folder / "0003_broken.sql"
    broken.write_text("CREATE TABLE half (id int); SELECT 1 / 0;")
    source = MigrationSource("town", folder)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await bring_up(empty, source)
    broken.write_text("CREATE TABLE half (id int PRIMARY KEY);")
    assert await bring_up(empty, source) == 1


async def test_a_file_that_was_changed_after_it_was_applied_is_refused_with_the_cure(
    empty: Database, folder: Path
) -> None:
    source = MigrationSource("town", folder)
    await bring_up(empty, source)
    (folder / "0002_names.sql").write_text("ALTER TABLE people ADD COLUMN name text NOT NULL;")
    (folder / "0003_more.sql").write_text("CREATE TABLE more (id int PRIMARY KEY);")
    for attempt in (bring_up(empty, source), is_current(empty, source)):
        with pytest.raises(BadMigrations, match=r"town/0002_names\.sql was changed after it was applied: restore it"):
            await attempt


def test_a_gap_a_repeat_or_a_careless_name_is_refused_with_the_name_it_should_have(folder: Path) -> None:
    for name, expected in (
        ("0004_gap.sql", "0003_what_it_does"),
        ("0002_twice.sql", "0003_what_it_does"),
        ("3_short.sql", "name it 000"),
        ("0003-Dash.sql", "0003_what_it_does"),
    ):
        file = folder / name
        file.write_text("SELECT 1;")
        with pytest.raises(BadMigrations, match=expected):
            MigrationSource("town", folder).read()
        file.unlink()
    assert len(MigrationSource("town", folder).read()) == 2


def test_a_checksum_tells_any_change_of_any_file(folder: Path) -> None:
    source = MigrationSource("town", folder)
    before = checksum([CHASSIS, source])
    assert checksum([CHASSIS, source]) == before
    (folder / "0002_names.sql").write_text("ALTER TABLE people ADD COLUMN name text; ")
    assert checksum([CHASSIS, source]) != before


async def test_the_apps_role_writes_rows_and_neither_tables_nor_migrations(empty: Database, folder: Path) -> None:
    await bring_up(empty, CHASSIS, MigrationSource("town", folder))
    await refused_as_app(
        empty,
        "CREATE TABLE mine (id int)",
        "ALTER TABLE people ADD COLUMN more text",
        "DROP TABLE people",
        "TRUNCATE people",
        "DELETE FROM migrations",
        "UPDATE migrations SET checksum = ''",
        "INSERT INTO migrations (source, number, name, checksum, applied_at) VALUES ('x', 1, 'x', 'x', '2026-01-01Z')",
        "ALTER TABLE migrations ADD COLUMN more text",
        "DROP TABLE migrations",
    )
    connection = await connect(empty.dsn)
    try:
        assert await connection.execute("INSERT INTO people (id, name) VALUES (1, 'x')") == "INSERT 0 1"
        assert await connection.fetchval("SELECT count(*) FROM migrations") > 0
    finally:
        await connection.close()


async def test_a_database_that_lacks_a_file_is_refused_with_the_cure(empty: Database, folder: Path) -> None:
    source = MigrationSource("town", folder)
    with pytest.raises(BadMigrations, match="never migrated: run this service with the role `migrate`"):
        await is_current(empty, source)
    await bring_up(empty, source)
    await is_current(empty, source)
    (folder / "0003_more.sql").write_text("CREATE TABLE more (id int PRIMARY KEY);")
    with pytest.raises(BadMigrations, match=r"0003_more\.sql is not applied: run this service with the role `migrate`"):
        await is_current(empty, source)


async def test_a_role_whose_name_is_no_name_is_refused_before_anything_is_done(empty: Database, folder: Path) -> None:
    for role in ("town; DROP TABLE people", "Town", "", '"town"'):
        with pytest.raises(BadMigrations, match="app role"):
            await migrate(empty.migration_dsn, [MigrationSource("town", folder)], app_role=role, clock=CLOCK)


async def test_a_database_of_a_newer_version_is_not_brought_up_by_an_older_one(empty: Database, folder: Path) -> None:
    source = MigrationSource("town", folder)
    await bring_up(empty, CHASSIS, source)
    (folder / "0002_names.sql").unlink()
    with pytest.raises(BadMigrations, match=r"town/0002_names\.sql, which this version has not"):
        await bring_up(empty, CHASSIS, source)
    await is_current(empty, CHASSIS, source)
