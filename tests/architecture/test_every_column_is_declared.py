"""R6, L4: every table and column that a service really has is declared, with category, owner, rule and eraser."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from chassis.holders import CHASSIS_TABLES
from chassis.sql import Connection, connect
from chassis.testing.containers import Postgres
from chassis.testing.databases import fresh_database
from chassis.testing.declared import CHASSIS_COLUMNS, read_schema

from .built import built
from .declared import undeclared
from .house import SERVICES


@asynccontextmanager
async def _migrated(postgres: Postgres, name: str) -> AsyncGenerator[Connection]:
    """The service's real schema, in a database of its own, as its owner sees it."""
    async with fresh_database(postgres, name.replace("-", "_"), built(name).migrations) as database:
        connection = await connect(database.migration_dsn)
        try:
            yield connection
        finally:
            await connection.close()


@pytest.mark.parametrize("name", SERVICES)
async def test_the_real_schema_is_what_the_service_declares(postgres: Postgres, name: str) -> None:
    async with _migrated(postgres, name) as connection:
        found = undeclared(await read_schema(connection), built(name).holder)
    assert not found, "\n".join([f"{name}:", *found])


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("CREATE TABLE diaries (subject_id uuid, text text)", "table diaries is not declared"),
        ("CREATE VIEW who AS SELECT subject_id FROM contacts", "table who is not declared"),
        ("CREATE SCHEMA aside; CREATE TABLE aside.diaries (name text)", "table diaries is not declared"),
        ("ALTER TABLE contacts ADD COLUMN shoe_size int", "contacts.shoe_size is not declared"),
        ("ALTER TABLE positions ADD COLUMN subject_id uuid", "positions.subject_id names people"),
        ("ALTER TABLE positions ADD COLUMN notes bytea", "positions.notes holds bytes"),
        ("ALTER TABLE contacts ALTER COLUMN contact SET STORAGE EXTENDED", "contacts.contact is sealed"),
        ("ALTER TABLE subjects ADD COLUMN nickname text", "subjects.nickname of the chassis"),
        ("DROP INDEX interest_search_match", "interest_search.occupation is plain and in no index"),
        ("ALTER TABLE interest_search SET LOGGED", "interest_search.place can be read in the write-ahead log"),
        (
            "ALTER TABLE interest_search ALTER COLUMN place SET STATISTICS -1",
            "interest_search.place can be read in PostgreSQL's statistics",
        ),
        ("DROP TABLE mails", "table mails is declared and does not exist"),
    ],
    ids=lambda value: value if value.startswith(("CREATE", "ALTER", "DROP")) else "",
)
async def test_a_schema_that_holds_more_than_it_declares_is_found(
    postgres: Postgres, change: str, finding: str
) -> None:
    async with _migrated(postgres, "notifications") as connection:
        await connection.execute(change)
        found = undeclared(await read_schema(connection), built("notifications").holder)
    assert any(line.startswith(finding) for line in found), found


async def test_rows_about_several_people_that_no_index_finds_are_told_of(postgres: Postgres) -> None:
    async with _migrated(postgres, "audit-log") as connection:
        await connection.execute("DROP INDEX contents_several")
        found = undeclared(await read_schema(connection), built("audit-log").holder)
    assert any(line.startswith("contents.subject_ids names several people") for line in found), found


@pytest.mark.parametrize("name", SERVICES)
async def test_an_undeclared_table_can_not_be_made_by_the_service_itself(postgres: Postgres, name: str) -> None:
    async with fresh_database(postgres, name.replace("-", "_"), built(name).migrations) as database:
        connection = await connect(database.dsn)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("CREATE TABLE diaries (subject_id uuid)")
        finally:
            await connection.close()


def test_every_table_of_the_chassis_is_known_here() -> None:
    assert set(CHASSIS_COLUMNS) == CHASSIS_TABLES
