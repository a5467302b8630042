"""Looks for a person in every column of every table that the database has, whatever the holder declared.

The schema is PostgreSQL's own word. A person is found by their random id, in any form in which it could stand in a
value: as uuid, in text and JSON, in raw bytes, in hex, in base64, and so in the header of every sealed blob.
"""

import base64
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from contracts.personal import Category, SubjectId

from chassis import parked, subjects
from chassis.hold_back import held_here
from chassis.holders import Holder
from chassis.sealing import blob_start
from chassis.sql import Connection

SCAN_RESIDUE: Final = "scan_residue"
"""The kind of work that a scan is, in every service."""
PART_BYTES: Final = 4 * 1024 * 1024
"""How much of a table, with what it stores outside its rows, one statement reads."""
NOT_READABLE: Final = "(not readable)"
"""Stands for the columns of a table that this service may not read: nobody can say that it is clean."""

_TABLES: Final = """
    SELECT n.nspname AS schema, c.relname AS name, has_table_privilege(c.oid, 'SELECT') AS readable,
           pg_relation_size(c.oid) / current_setting('block_size')::int AS blocks, pg_table_size(c.oid) AS size,
           array_agg(a.attname::text ORDER BY a.attnum) AS columns,
           array_agg(a.atttypid = 'bytea'::regtype ORDER BY a.attnum) AS bytes
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND n.nspname NOT LIKE 'pg_toast%' AND n.nspname NOT LIKE 'pg_temp%' AND a.attnum > 0 AND NOT a.attisdropped
     GROUP BY n.nspname, c.oid, c.relname
     ORDER BY n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True)
class Residue:
    """What a scan read and found: rows by `table.column`, none where nothing is."""

    columns: int
    found: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Table:
    schema: str
    name: str
    readable: bool
    blocks: int
    size: int
    columns: Sequence[tuple[str, bool]]
    """Name, and whether it holds bytes."""

    @property
    def quoted(self) -> str:
        return f"{_quoted(self.schema)}.{_quoted(self.name)}"

    def __str__(self) -> str:
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class _Standing:
    """What may stand here by now: rows since the tombstone was left, and what holds in force keep."""

    tombstone: datetime | None
    holds: Sequence[UUID]


@dataclass
class _Arguments:
    """The values of one statement; `add` answers how the statement names the next."""

    values: list[object] = field(default_factory=list[object])

    def add(self, value: object, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


@dataclass(frozen=True, slots=True)
class _Needles:
    texts: Sequence[str]
    raw: Sequence[bytes]


class ResidueScan:
    """One look for one person; `categories` are those that were erased, and what is of others may stay.

    Args:
        holder: says which rows are of other categories, and may stay by a rule of their own.
        subject: who was erased.
        categories: what of them.
        part_bytes: how much one statement reads.
    """

    def __init__(
        self,
        holder: Holder,
        subject: SubjectId,
        categories: Collection[Category],
        *,
        part_bytes: int = PART_BYTES,
    ) -> None:
        self._holder = holder
        self._subject = subject
        self._erased = frozenset(categories)
        self._part_bytes = part_bytes
        self._traces = _needles([subject.bytes], [str(subject), subject.hex])
        starts = [blob_start(subject, category) for category in sorted(self._erased)]
        self._blobs = _needles(starts, [start.hex() for start in starts])

    async def run(self, connection: Connection, between: Callable[[], Awaitable[None]]) -> Residue:
        """Read everything, part by part, each in a statement of its own: no transaction is open meanwhile.

        A row that moves within its table while this runs could be passed over; rows of an erased person do not move,
        because nothing changes them any more.
        """
        found: dict[str, int] = {}
        columns = 0
        holds = await held_here(connection, self._subject)
        standing = _Standing(await subjects.erased_at(connection, self._subject), list(holds))
        for table in [_table(row) for row in await connection.fetch(_TABLES)]:
            if not table.readable:
                found[f"{table}.{NOT_READABLE}"] = 1
                continue
            columns += len(table.columns)
            blocks = max(1, self._part_bytes * table.blocks // max(table.size, 1))
            for start in range(0, table.blocks, blocks):
                arguments = _Arguments()
                statement = self._statement(table, arguments, standing, (start, start + blocks))
                counts = await connection.fetchrow(statement, *arguments.values)
                for (column, _), count in zip(table.columns, counts or (), strict=True):
                    if count:
                        found[f"{table}.{column}"] = found.get(f"{table}.{column}", 0) + int(count)
                await between()
        return Residue(columns, found)

    def _statement(self, table: _Table, arguments: _Arguments, standing: _Standing, blocks: tuple[int, int]) -> str:
        """Counts, by column, the rows of these blocks that hold the person and may not."""
        traces, blobs = _Searched(self._traces, arguments), _Searched(self._blobs, arguments)
        stays = " OR ".join(self._stays(table, arguments, standing)) or "FALSE"
        kept = self._holder.kept_ids
        counted = ", ".join(
            f"count(*) FILTER (WHERE {blobs.found_in(column, is_bytes)})"
            if f"{table}.{column}" in kept
            else f"count(*) FILTER (WHERE CASE WHEN {stays} THEN {blobs.found_in(column, is_bytes)}"
            f" ELSE {traces.found_in(column, is_bytes)} END)"
            for column, is_bytes in table.columns
        )
        first, end = (arguments.add((block, 0), "tid") for block in blocks)
        return f"SELECT {counted} FROM {table.quoted} WHERE ctid >= {first} AND ctid < {end}"  # noqa: S608 - quoted

    def _stays(self, table: _Table, arguments: _Arguments, standing: _Standing) -> Iterator[str]:
        """Conditions on rows that may name the person still: of these rows only blobs of what was erased are counted."""
        if table.schema != "public":
            return
        match table.name:
            case "subjects" | "known_holds":  # the tombstone, and that something is or was held
                yield "TRUE"
            case "held_records":  # what a hold in force keeps
                yield f"hold_id = ANY({arguments.add(standing.holds, 'uuid[]')})"
            case "outbox":  # what is said since, about what was not erased: the guard let it through
                yield f"privacy_protocol OR created_at >= {arguments.add(standing.tombstone, 'timestamptz')}"
            case "idempotency_keys":
                yield f"created_at >= {arguments.add(standing.tombstone, 'timestamptz')}"
            case "parked":  # what `parked.erase` leaves
                types = arguments.add(parked.outliving(self._erased), "text[]")
                yield f"(NOT encrypted AND (privacy_protocol OR event_type = ANY({types})))"
            case "work":
                kinds = [kind for kind, category in self._holder.work_kinds.items() if category not in self._erased]
                yield f"kind = ANY({arguments.add([SCAN_RESIDUE, *kinds], 'text[]')})"
            case _:
                for declared in self._holder.tables:
                    if declared.table == table.name and declared.category not in self._erased:
                        condition = declared.is_of(arguments.add(self._subject, "uuid"))
                        if declared.category_column is not None:
                            category = arguments.add(str(declared.category), "text")
                            condition += f" AND {_quoted(declared.category_column)} = {category}"
                        yield f"({condition})"


class _Searched:
    """Needles, as one statement names them."""

    def __init__(self, needles: _Needles, arguments: _Arguments) -> None:
        self._needles = needles
        self._arguments = arguments
        self._texts: str | None = None
        self._raw: str | None = None

    def found_in(self, column: str, is_bytes: bool) -> str:
        """The condition that one of them stands in the column, whatever its type."""
        if is_bytes:
            self._raw = self._raw or self._arguments.add(list(self._needles.raw), "bytea[]")
            return f"EXISTS (SELECT FROM unnest({self._raw}) AS n WHERE position(n IN {_quoted(column)}) > 0)"
        self._texts = self._texts or self._arguments.add(list(self._needles.texts), "text[]")
        return f"EXISTS (SELECT FROM unnest({self._texts}) AS n WHERE strpos({_quoted(column)}::text, n) > 0)"


def _needles(raw: Sequence[bytes], texts: Sequence[str]) -> _Needles:
    """Every form of these: in text either case and base64 of the bytes at any place; in bytes all that, and themselves."""
    spelled = [spelling for text in texts for spelling in (text, text.upper())]
    encoded = [part for content in raw for alignment in range(3) for part in _within_base64(content, alignment)]
    forms = list(dict.fromkeys([*spelled, *encoded]))
    return _Needles(forms, [*raw, *(form.encode() for form in forms)])


def _within_base64(content: bytes, alignment: int) -> Iterator[str]:
    """What is sure to be seen of it in the base64 of anything that has it at a place of this alignment (RFC 4648)."""
    encoded = base64.b64encode(bytes(alignment) + content).decode()
    whole = encoded[-(-alignment * 8 // 6) : (alignment + len(content)) * 8 // 6]
    yield whole
    yield whole.translate(str.maketrans("+/", "-_"))


def _table(row: asyncpg.Record) -> _Table:
    columns = list(zip(row["columns"], row["bytes"], strict=True))
    return _Table(row["schema"], row["name"], row["readable"], row["blocks"], row["size"], columns)


def _quoted(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
