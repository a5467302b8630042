"""The table `parked`: the only dead-letter store. Failing records in order, and later ones of their key behind them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.personal import Category, SubjectId
from contracts.registry import EVENTS

from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class NewParked:
    """A record to keep aside. `record` is the event as it came (sealed), or encrypted when it could not be read."""

    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    event_type: str | None
    subjects: tuple[SubjectId, ...]
    privacy_protocol: bool
    reason: str
    record: bytes
    encrypted: bool


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A parked record, as an operator sees it. Holds no personal data."""

    id: int
    topic: str
    partition: int
    offset: int
    key: str | None
    event_id: UUID | None
    event_type: str | None
    reason: str
    encrypted: bool
    parked_at: datetime


async def insert(connection: Connection, rows: Sequence[NewParked], at: datetime) -> None:
    """Park in this order. A record that is parked already stays as it is."""
    await connection.executemany(
        "INSERT INTO parked (topic, partition, record_offset, key, event_id, event_type, subject_ids,"
        " privacy_protocol, reason, record, encrypted, parked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT (topic, partition, record_offset) DO NOTHING",
        [
            (
                row.topic,
                row.partition,
                row.offset,
                row.key,
                row.event_id,
                row.event_type,
                list(row.subjects),
                row.privacy_protocol,
                row.reason,
                row.record,
                row.encrypted,
                at,
            )
            for row in rows
        ],
    )


async def blocked_keys(connection: Connection, topic: str, keys: Sequence[str]) -> dict[str, int]:
    """Of these keys, those with a parked event, and the id of its first. Waits for a replay of them that is under way.

    Only the first of a key is read, however many wait behind it.
    """
    rows = await connection.fetch(
        "SELECT first.key, first.id FROM unnest($2::text[]) AS asked CROSS JOIN LATERAL"
        " (SELECT id, key FROM parked WHERE topic = $1 AND key = asked ORDER BY id LIMIT 1 FOR SHARE) AS first",
        topic,
        keys,
    )
    return {row["key"]: row["id"] for row in rows}


async def page(connection: Connection, after: int, limit: int) -> list[ParkedRow]:
    """Parked records by id, oldest first."""
    rows = await connection.fetch(
        "SELECT id, topic, partition, record_offset, key, event_id, event_type, reason, encrypted, parked_at"
        " FROM parked WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [ParkedRow(*row.values()) for row in rows]


async def of_event(connection: Connection, event_id: UUID) -> list[ParkedRow]:
    """Where this event is parked, in the order of the store; it may have been sent twice. Reads the whole table."""
    rows = await connection.fetch(
        "SELECT id, topic, partition, record_offset, key, event_id, event_type, reason, encrypted, parked_at"
        " FROM parked WHERE event_id = $1 ORDER BY id LIMIT 20",
        event_id,
    )
    return [ParkedRow(*row.values()) for row in rows]


async def lock(connection: Connection, parked_id: int) -> tuple[ParkedRow, bool] | None:
    """One record, locked against a replay, and whether it belongs to the privacy protocol."""
    row = await connection.fetchrow(
        "SELECT id, topic, partition, record_offset, key, event_id, event_type, reason, encrypted, parked_at,"
        " privacy_protocol FROM parked WHERE id = $1 FOR UPDATE",
        parked_id,
    )
    if row is None:
        return None
    *columns, privacy_protocol = row.values()
    return ParkedRow(*columns), privacy_protocol


async def count_of_key(connection: Connection, topic: str, key: str) -> int:
    """How many records of a key are parked."""
    return int(await connection.fetchval("SELECT count(*) FROM parked WHERE topic = $1 AND key = $2", topic, key))


async def keys_with_events(connection: Connection) -> list[tuple[str, str]]:
    """Topic and key of everything that can be replayed, oldest first."""
    rows = await connection.fetch(
        "SELECT topic, key FROM parked WHERE key IS NOT NULL GROUP BY topic, key ORDER BY min(id)"
    )
    return [(row["topic"], row["key"]) for row in rows]


async def first_of_key(connection: Connection, topic: str, key: str) -> tuple[ParkedRow, bytes] | None:
    """The oldest parked event of a key, locked, and its record."""
    row = await connection.fetchrow(
        "SELECT id, topic, partition, record_offset, key, event_id, event_type, reason, encrypted, parked_at, record"
        " FROM parked WHERE topic = $1 AND key = $2 ORDER BY id LIMIT 1 FOR UPDATE",
        topic,
        key,
    )
    if row is None:
        return None
    *columns, record = row.values()
    return ParkedRow(*columns), record


async def delete(connection: Connection, parked_id: int) -> bool:
    """Remove a replayed record; False when another replay, or an erasure, was here first."""
    gone = await connection.fetchval("DELETE FROM parked WHERE id = $1 RETURNING id", parked_id)
    return gone is not None


async def delete_repeats(connection: Connection, topic: str, key: str | None, event_id: UUID) -> bool:
    """Remove the other records of an event that runs now; whether one of them waited, and so had not run before.

    The inbox drops repeats of what could be read when it came; those of what could not are parked beside it.
    """
    waited = await connection.fetchval(
        "WITH gone AS (DELETE FROM parked WHERE topic = $1 AND key = $2 AND event_id = $3 RETURNING encrypted)"
        " SELECT bool_or(NOT encrypted) FROM gone",
        topic,
        key,
        event_id,
    )
    return bool(waited)


async def set_reason(connection: Connection, parked_id: int, reason: str) -> None:
    """A replay failed again: say why this time."""
    await connection.execute("UPDATE parked SET reason = $2 WHERE id = $1", parked_id, reason)


def outliving(categories: Collection[Category]) -> list[str]:
    """The types of good events that stay parked when these categories are erased: of the others, and of the protocol.

    A type that this version does not know is not among them: better too early than never.
    """
    return [event.type for event in EVENTS if event.privacy_protocol or event.category not in categories]


async def erase(connection: Connection, subject: SubjectId, categories: Collection[Category]) -> int:
    """Delete what is parked about a person, alone or with others, of these categories; the answer is how many rows.

    What is no good event goes whatever its type says: it may hold anything. Good events of the protocol stay.
    """
    return int(
        await connection.fetchval(
            "WITH gone AS (DELETE FROM parked WHERE subject_ids @> ARRAY[$1::uuid]"
            " AND (encrypted OR NOT privacy_protocol AND coalesce(event_type, '') <> ALL($2::text[])) RETURNING 1)"
            " SELECT count(*) FROM gone",
            subject,
            outliving(categories),
        )
    )


async def people_with_any(connection: Connection, subjects: Sequence[SubjectId]) -> set[SubjectId]:
    """About whom of these something is parked."""
    rows = await connection.fetch("SELECT subject_ids FROM parked WHERE subject_ids && $1::uuid[]", subjects)
    return {SubjectId(subject) for row in rows for subject in row[0]} & set(subjects)


async def forget(connection: Connection, before: datetime, most: int) -> int:
    """Drop up to so many that stood longer than the window allows; the answer is how many."""
    return int(
        await connection.fetchval(
            "WITH gone AS (DELETE FROM parked WHERE id IN"
            " (SELECT id FROM parked WHERE parked_at < $1 ORDER BY id LIMIT $2) RETURNING 1)"
            " SELECT count(*) FROM gone",
            before,
            most,
        )
    )


async def count(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM parked"))


async def count_by_topic(connection: Connection) -> dict[str, int]:
    rows = await connection.fetch("SELECT topic, count(*) AS rows FROM parked GROUP BY topic")
    return {row["topic"]: row["rows"] for row in rows}
