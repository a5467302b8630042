"""Compares a real schema with what its service declares to hold: the data map is closed (promises R6, L4)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chassis.holders import CHASSIS_TABLES, Holder
from chassis.personal_tables import PersonalTable
from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class Column:
    """One column as PostgreSQL has it. `storage` is `e` for external: sealed bytes stay as they are. `unlogged`: neither
    write-ahead log nor any backup holds its table. `sampled`: PostgreSQL puts some of its values into the catalog."""

    name: str
    type: str
    storage: str
    indexed: bool
    unlogged: bool
    sampled: bool


Schema = Mapping[str, Sequence[Column]]

CHASSIS_COLUMNS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "subjects": frozenset({"subject_id", "restrictions", "erased", "erased_at"}),
        "outbox": frozenset(
            {"position", "event_id", "topic", "key", "headers", "body", "privacy_protocol", "created_at", "refused"}
        ),
        "inbox": frozenset({"event_id", "received_at", "refused"}),
        "offsets": frozenset({"topic", "partition", "next_offset"}),
        "parked": frozenset(
            {
                *("id", "topic", "partition", "record_offset", "key", "event_id", "event_type", "subject_ids"),
                *("privacy_protocol", "reason", "record", "encrypted", "parked_at"),
            }
        ),
        "work": frozenset(
            {
                *("id", "kind", "key", "subject_id", "due_at", "attempts", "lease", "traceparent", "correlation_id"),
                "causation_id",
            }
        ),
        "idempotency_keys": frozenset(
            {"scope", "key_hash", "request_hash", "subject_id", "status", "response", "location", "created_at"}
        ),
        "registration": frozenset({"holder", "digest", "registered_at"}),
        "migrations": frozenset({"source", "number", "name", "checksum", "applied_at"}),
        "sightings": frozenset({"what", "place", "value", "seen_at"}),
        "recoveries": frozenset(
            {"number", "sign", "missing_since", "noticed_at", "sought_at", "reapplied_at", "done_at", "refused"}
        ),
        "known_holds": frozenset(
            {"hold_id", "subject_id", "category", "holder", "table_name", "records", "ground", "review_on", "lifted_at"}
        ),
        "held_records": frozenset(
            {"id", "hold_id", "subject_id", "category", "table_name", "record_id", "content", "held_at"}
        ),
    }
)
"""What every service has: ids, times and sealed bytes. A new column here is looked at by a person before it is added."""

_READ: Final = """
    SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attstorage::text AS storage,
           EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY(i.indkey::int2[])) AS indexed,
           c.relpersistence = 'u' AS unlogged, coalesce(a.attstattarget, -1) <> 0 AS sampled
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND n.nspname NOT LIKE 'pg_toast%' AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY c.relname, a.attnum
"""


async def read_schema(connection: Connection) -> Schema:
    """Every table, view and column of a database that is not PostgreSQL's own."""
    found: dict[str, list[Column]] = {}
    for row in await connection.fetch(_READ):
        column = Column(
            row["name"], row["type"], row["storage"], row["indexed"], unlogged=row["unlogged"], sampled=row["sampled"]
        )
        found.setdefault(row["table"], []).append(column)
    return found


def undeclared(
    schema: Schema,
    holder: Holder,
    *,
    unsealed: Collection[tuple[str, str]] = (),
) -> list[str]:
    """Everything in the schema that the declaration does not tell truly; each with its cure.

    Args:
        schema: what `read_schema` found in the migrated database.
        holder: the service's declaration.
        unsealed: (table, column) whose bytes are no sealed blob, for a reason that somebody has looked at.
    """
    return [
        *_tables(schema, holder),
        *_chassis(schema),
        *_personal(schema, holder, unsealed),
        *_impersonal(schema, holder, unsealed),
    ]


def _tables(schema: Schema, holder: Holder) -> Iterator[str]:
    declared = {table.table for table in holder.tables} | set(holder.impersonal)
    for table in sorted(set(schema) - declared - CHASSIS_TABLES):
        yield f"table {table} is not declared: add it to holder.py with its category, owner and rule, or as impersonal"
    for table in sorted(declared - set(schema)):
        yield f"table {table} is declared and does not exist"
    for table in sorted({table.table for table in holder.tables} & set(holder.impersonal)):
        yield f"table {table} is declared both personal and impersonal"
    for table in holder.tables:
        if not table.rule.strip():
            yield f"table {table.table} has no rule: nothing is kept longer than its purpose needs"


def _chassis(schema: Schema) -> Iterator[str]:
    for table, known in CHASSIS_COLUMNS.items():
        for column in sorted({column.name for column in schema.get(table, ())} ^ known):
            yield f"{table}.{column} of the chassis is not as chassis.testing.declared knows it"


def _personal(schema: Schema, holder: Holder, unsealed: Collection[tuple[str, str]]) -> Iterator[str]:
    for table in holder.tables:
        columns = {column.name: column for column in schema.get(table.table, ())}
        for name in sorted(set(columns) ^ table.columns):
            yield f"{table.table}.{name} is {'not declared' if name in columns else 'declared and does not exist'}"
        for column in (columns[name] for name in table.columns if name in columns):
            yield from _column(table, column, unsealed)


def _column(table: PersonalTable, column: Column, unsealed: Collection[tuple[str, str]]) -> Iterator[str]:
    where = f"{table.table}.{column.name}"
    if column.name == table.owner and column.type != "uuid":
        yield f"{where} is the owner and no uuid: people are known by their subject id only"
    if column.name == table.several and (column.type, column.indexed) != ("uuid[]", True):
        yield f"{where} names several people: make it an indexed uuid[], or nobody finds whose rows they are"
    if column.name in table.sealed and (column.type, column.storage) != ("bytea", "e"):
        yield f"{where} is sealed: make it bytea with SET STORAGE EXTERNAL, so that a search sees what is there"
    if column.type == "bytea" and column.name not in table.sealed and (table.table, column.name) not in unsealed:
        yield f"{where} holds bytes and is not declared sealed"
    if column.name in table.plain and not column.indexed:
        yield f"{where} is plain and in no index: what is not searched is sealed"
    if column.name in table.plain and column.type != "bytea":  # bytes are hashes, each allowed by name
        if not column.unlogged:
            yield f"{where} can be read in the write-ahead log and in backups: make its table UNLOGGED, of sealed rows"
        if column.sampled:
            yield f"{where} can be read in PostgreSQL's statistics: ALTER COLUMN {column.name} SET STATISTICS 0"


def _impersonal(schema: Schema, holder: Holder, unsealed: Collection[tuple[str, str]]) -> Iterator[str]:
    for table in holder.impersonal:
        for column in schema.get(table, ()):
            if column.type == "bytea" and (table, column.name) not in unsealed:
                yield f"{table}.{column.name} holds bytes in a table that no erasure touches"
            kept = f"{table}.{column.name}" in holder.kept_ids
            if column.type.startswith("uuid") and "subject" in column.name and not kept:
                yield f"{table}.{column.name} names people in a table that no erasure touches"
