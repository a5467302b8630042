"""A database's rows, saved and put back: a backup and its restore, without a server's downtime."""

import io
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import asyncpg
from chassis.sql import connect
from chassis.testing.databases import Database

KEPT: Final = frozenset({"migrations"})


@dataclass(frozen=True, slots=True)
class Backup:
    """Every row of every table that a backup has, and where its sequences stood."""

    tables: Mapping[str, bytes]
    sequences: Mapping[str, int]


class Rows:
    """The rows of one database, as the server's administrator has them: constraints between tables do not count."""

    def __init__(
        self, connection: Any, tables: Collection[str], unlogged: Collection[str], sequences: Collection[str]
    ) -> None:
        self._connection = connection
        self.tables: Final = tuple(sorted(tables))
        self._unlogged: Final = frozenset(unlogged)
        """No backup has them: put back, they are empty."""
        self._sequences: Final = tuple(sorted(sequences))

    async def save(self) -> Backup:
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            tables: dict[str, bytes] = {}
            for table in self.tables:
                if table in self._unlogged:
                    continue
                content = io.BytesIO()
                await self._connection.copy_from_table(table, output=content, format="binary")
                tables[table] = content.getvalue()
            sequences = {
                name: int(await self._connection.fetchval(f"SELECT last_value FROM {name}")) for name in self._sequences
            }
        return Backup(tables, sequences)

    async def put_back(self, backup: Backup) -> None:
        async with self._connection.transaction():
            await self._delete(self.tables)
            for table, content in backup.tables.items():
                await self._connection.copy_to_table(table, source=io.BytesIO(content), format="binary")
            for name, value in backup.sequences.items():
                await self._connection.execute(f"SELECT setval('{name}', {value})")

    async def clear(self, but: Collection[str]) -> None:
        """Delete every row, but of these tables."""
        await self._delete([table for table in self.tables if table not in but])

    async def execute(self, query: str) -> None:
        """A statement of the administrator."""
        await self._connection.execute(query)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        return await self._connection.fetch(query, *arguments)

    async def _delete(self, tables: Collection[str]) -> None:
        await self._connection.execute("; ".join(f"DELETE FROM {table}" for table in tables))


@asynccontextmanager
async def rows_of(database: Database) -> AsyncGenerator[Rows]:
    as_it_is = {"session_replication_role": "replica", "timezone": "UTC", "jit": "off"}
    connection = cast("Any", await connect(database.admin_dsn, settings=as_it_is))
    try:
        tables: list[asyncpg.Record] = await connection.fetch(
            "SELECT relname AS name, relpersistence = 'u' AS unlogged FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        sequences: list[asyncpg.Record] = await connection.fetch(
            "SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public'"
        )
        unlogged = {row["name"] for row in tables if row["unlogged"]}
        yield Rows(connection, {row["name"] for row in tables} - KEPT, unlogged, {row["name"] for row in sequences})
    finally:
        await connection.close()
