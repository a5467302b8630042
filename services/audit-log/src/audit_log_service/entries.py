"""The table `entries`: that an event happened, in order, for ever, without saying whom it was about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg
from chassis.sql import Connection


class RecordPlace(NamedTuple):
    """Where a record stood on Kafka."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is kept of every event."""

    place: RecordPlace
    type: str
    source: str
    schema: str
    hour: datetime
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored entry and its position in the log."""

    position: int
    place: RecordPlace
    type: str
    source: str
    schema: str
    hour: datetime
    commitment: bytes


async def append(connection: Connection, entries: Sequence[NewEntry]) -> list[int]:
    """Add entries in this order; the answer is the position of each, and a later one's is larger.

    What is the same in many of them is sent once: encoding it for each cost the client half of the statement.
    """
    kinds: dict[tuple[str, int, str, str, str, datetime], int] = {}
    kind_of = [
        kinds.setdefault((e.place.topic, e.place.partition, e.type, e.source, e.schema, e.hour), len(kinds))
        for e in entries
    ]
    topics, partitions, types, sources, schemas, hours = zip(*kinds, strict=True) if kinds else ((),) * 6
    rows = await connection.fetch(
        "INSERT INTO entries (topic, partition, record_offset, type, source, schema, hour, commitment)"
        " SELECT topic, partition, record_offset, type, source, schema, hour, commitment"
        " FROM unnest($1::int[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS e(kind, record_offset, commitment, n)"
        " JOIN unnest($4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])"
        "   WITH ORDINALITY AS k(topic, partition, type, source, schema, hour, number) ON number = kind + 1"
        " ORDER BY n RETURNING position",
        kind_of,
        [entry.place.offset for entry in entries],
        [entry.commitment for entry in entries],
        topics,
        partitions,
        types,
        sources,
        schemas,
        hours,
    )
    # numbered as they were sorted, one after the other; in which order they are answered is nowhere promised
    return sorted(row["position"] for row in rows)


async def after(connection: Connection, position: int, limit: int) -> list[Entry]:
    """The entries after this position, in order."""
    rows = await connection.fetch(
        "SELECT position, topic, partition, record_offset, type, source, schema, hour, commitment FROM entries"
        " WHERE position > $1 ORDER BY position LIMIT $2",
        position,
        limit,
    )
    return [_entry(row) for row in rows]


async def at(connection: Connection, positions: Sequence[int]) -> list[Entry]:
    """The entries at these positions, in order."""
    rows = await connection.fetch(
        "SELECT position, topic, partition, record_offset, type, source, schema, hour, commitment FROM entries"
        " WHERE position = ANY($1::bigint[]) ORDER BY position",
        positions,
    )
    return [_entry(row) for row in rows]


class Alike(NamedTuple):
    """Entries whose leaves differ by their commitments only, which stand beside their positions."""

    type: str
    source: str
    hour: datetime
    positions: Sequence[int]
    commitments: Sequence[bytes]


async def to_commit_to(connection: Connection, positions: Sequence[range]) -> list[Alike]:
    """What the leaves of the entries at these positions will say, in any order; the ranges are in order.

    A row for each kind: reading a row for each entry cost the client more than making and hashing its leaf.
    """
    rows = await connection.fetch(
        "SELECT type, source, hour, array_agg(position) AS positions, array_agg(commitment) AS commitments FROM entries"
        " WHERE position >= $1 AND position < $2 AND $3::int8multirange @> position GROUP BY type, source, hour",
        positions[0].start,
        positions[-1].stop,
        [asyncpg.Range(part.start, part.stop) for part in positions],
    )
    return [Alike(*row.values()) for row in rows]


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        row["position"],
        RecordPlace(row["topic"], row["partition"], row["record_offset"]),
        row["type"],
        row["source"],
        row["schema"],
        row["hour"],
        row["commitment"],
    )
