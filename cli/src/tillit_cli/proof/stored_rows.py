"""Reads every value of every table of every database, as the superuser: what PostgreSQL stores compressed or in
pieces is whole here, so that what the files could hide is seen."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol, cast

import asyncpg
from chassis.sql import Connection, connect

from tillit_cli.proof.byte_search import Hit, Searched, Searcher

_TABLES: Final = """
    SELECT n.nspname AS schema, c.relname AS name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
       AND (n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') OR c.relname = 'pg_statistic')
     ORDER BY n.nspname, c.relname
"""
_COLUMNS: Final = """
    SELECT a.attname AS name, t.typname AS type
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum
"""
_CATALOG: Final = "pg_catalog"
"""Of it the statistics are read, which hold sampled values; some of them have no binary form."""


class CopyConnection(Connection, Protocol):
    """A connection that can also give a table as a stream."""

    async def copy_from_table(
        self, table_name: str, *, schema_name: str, output: Callable[[bytes], Awaitable[None]], format: str
    ) -> str: ...

    async def close(self, *, timeout: float | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table of one database."""

    database: str
    schema: str
    name: str

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


class StoredRows:
    """Everything in the databases of one server."""

    def __init__(self, admin_dsn: str) -> None:
        self._server = admin_dsn.rsplit("/", 1)[0]

    async def databases(self) -> list[str]:
        async with self.connected("postgres") as connection:
            rows = await connection.fetch("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname")
        return [row["datname"] for row in rows]

    async def tables(self) -> list[StoredTable]:
        """Every table of every database."""
        found: list[StoredTable] = []
        for database in await self.databases():
            async with self.connected(database) as connection:
                rows = await connection.fetch(_TABLES)
            found += [StoredTable(database, row["schema"], row["name"]) for row in rows]
        return found

    async def search(self, searcher: Searcher) -> Searched:
        """Look for the needles in every value, as text and as the bytes that PostgreSQL sends."""
        searched = Searched()
        for table in await self.tables():
            parts: list[bytes] = []

            async def keep(part: bytes, parts: list[bytes] = parts) -> None:
                parts.append(part)

            async with self.connected(table.database) as connection:
                for form in ("text",) if table.schema == _CATALOG else ("text", "binary"):
                    await connection.copy_from_table(table.name, schema_name=table.schema, output=keep, format=form)
            needles, size = searcher.found_in([b"".join(parts)])
            searched.units += 1
            searched.size += size
            searched.hits.update(Hit("rows", str(table), needle) for needle in needles)
        return searched

    async def values(self) -> AsyncIterator[tuple[str, bytes]]:
        """Every value of every column, whatever its type, with where it stands: bytes as they are, the rest as text."""
        for table in await self.tables():
            async with self.connected(table.database) as connection:
                for column in await connection.fetch(_COLUMNS, table.quoted):
                    expression = _as_bytes(quoted(column["name"]), column["type"])
                    rows = await connection.fetch(f"SELECT {expression} AS value FROM {table.quoted}")  # noqa: S608
                    for row in rows:
                        if row["value"] is not None:
                            yield f"{table}.{column['name']}", cast("bytes", row["value"])

    async def rows_of(self, database: str, table: str, columns: Sequence[str]) -> list[asyncpg.Record]:
        """These columns of every row of a table."""
        chosen = ", ".join(quoted(column) for column in columns)
        async with self.connected(database) as connection:
            return await connection.fetch(f"SELECT {chosen} FROM {quoted(table)}")  # noqa: S608 - quoted names

    @asynccontextmanager
    async def connected(self, database: str) -> AsyncGenerator[CopyConnection]:
        connection = cast("CopyConnection", await connect(f"{self._server}/{database}"))
        try:
            yield connection
        finally:
            await connection.close()


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _as_bytes(column: str, kind: str) -> str:
    if kind == "bytea":
        return column
    if kind == "_bytea":
        return f"unnest({column})"
    return f"convert_to({column}::text, 'UTF8')"
