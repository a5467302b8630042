"""The table `outbox`: events that were committed with the change they tell of, and wait for the relay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from chassis.sql import Connection

CHANNEL = "tillit_outbox"
"""NOTIFY channel that wakes the relay."""
LOOKED_THROUGH: Final = 10_000
"""How many rows are read when one is wanted by what stands in its headers."""
_MOST_SHOWN: Final = 200
READ_BYTES: Final = 8 * 1024 * 1024


class OutgoingEvent(NamedTuple):
    """An event as it will stand on Kafka."""

    event_id: UUID
    topic: str
    key: str
    headers: list[tuple[str, bytes]]
    body: bytes
    privacy_protocol: bool


class OutboxRow(NamedTuple):
    """A row that is due, in the order in which it must be sent."""

    position: int
    topic: str
    key: str
    headers: list[tuple[str, bytes]]
    body: bytes
    privacy_protocol: bool


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event that is not sent yet, without what it says; `refused` is why the broker will not take it as it is."""

    position: int
    event_id: UUID
    event_type: str
    topic: str
    created_at: datetime
    refused: str | None


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """How much waits: rows, rows that the broker refused, and the time of the oldest."""

    rows: int
    refused: int
    oldest: datetime | None


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers as one value: ASCII `name:value` lines (values of ours are ASCII; see `contracts.envelope`)."""
    return b"\n".join(name.encode() + b":" + value for name, value in headers)


def unpack_headers(packed: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for line in packed.split(b"\n"):
        name, _, value = line.partition(b":")
        found.append((name.decode(), value))
    return found


async def insert(connection: Connection, events: Sequence[OutgoingEvent], at: datetime) -> None:
    """Add events in this order; they are sent after the transaction commits."""
    await connection.execute(
        "INSERT INTO outbox (event_id, topic, key, headers, body, privacy_protocol, created_at)"
        " SELECT event_id, topic, key, headers, body, privacy_protocol, $7 FROM unnest("
        "   $1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::boolean[])"
        "   WITH ORDINALITY AS e(event_id, topic, key, headers, body, privacy_protocol, n) ORDER BY n",
        [event.event_id for event in events],
        [event.topic for event in events],
        [event.key for event in events],
        [pack_headers(event.headers) for event in events],
        [event.body for event in events],
        [event.privacy_protocol for event in events],
        at,
    )


async def due(connection: Connection, limit: int, *, besides: Sequence[int] = ()) -> list[OutboxRow]:
    """The oldest rows, in order, without those that are refused or wait behind a refused one of their key.

    At most `limit` of them, and no more once their bodies are `READ_BYTES` together: memory is bounded by both.
    `besides` are positions that are on their way already. They are named one by one: behind a highest one a row could
    stand that was committed late, and would be passed over.
    """
    rows = await connection.fetch(
        "SELECT position, topic, key, headers, body, privacy_protocol FROM"
        " (SELECT position, topic, key, headers, body, privacy_protocol,"
        "   sum(octet_length(body)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - octet_length(body) AS before FROM"
        "   (SELECT position, topic, key, headers, body, privacy_protocol FROM outbox o WHERE refused IS NULL"
        "    AND position <> ALL($2::bigint[]) AND NOT EXISTS"
        "    (SELECT 1 FROM outbox r WHERE r.refused IS NOT NULL AND r.topic = o.topic AND r.key = o.key)"
        "    ORDER BY position LIMIT $1) AS oldest) AS summed"
        " WHERE before < $3 ORDER BY position",
        limit,
        besides,
        READ_BYTES,
    )
    return [
        OutboxRow(position, topic, key, unpack_headers(headers), body, privacy_protocol)
        for position, topic, key, headers, body, privacy_protocol in rows
    ]


async def delete(connection: Connection, positions: Sequence[int]) -> None:
    """Forget what the broker acknowledged."""
    await connection.execute("DELETE FROM outbox WHERE position = ANY($1::bigint[])", positions)


async def give_up(connection: Connection, keys: Sequence[str]) -> None:
    """Forget what of these keys was never sent. Nobody who takes it in would know any more that they are erased."""
    await connection.execute("DELETE FROM outbox WHERE key = ANY($1::text[])", keys)


async def refuse(connection: Connection, positions: Sequence[int], why: str) -> None:
    """Keep rows that the broker will never take; later rows of their keys wait behind them."""
    await connection.execute("UPDATE outbox SET refused = $2 WHERE position = ANY($1::bigint[])", positions, why)


async def refuse_larger(connection: Connection, row: OutboxRow, why: str) -> int:
    """Keep this row, and every other on its topic with as large a body; the answer is how many."""
    return int(
        await connection.fetchval(
            "WITH kept AS (UPDATE outbox SET refused = $4 WHERE refused IS NULL AND (position = $1 OR"
            " topic = $2 AND octet_length(body) >= $3) RETURNING 1) SELECT count(*) FROM kept",
            row.position,
            row.topic,
            len(row.body),
            why,
        )
    )


async def find(connection: Connection, event_id: UUID) -> list[WaitingEvent]:
    """The event, if it waits here. Reads the whole table: 0.25 s for 400,000 rows, and an index would cost every event
    that is sent; this is asked by people."""
    rows = await connection.fetch(
        "SELECT position, event_id, headers, topic, created_at, refused FROM outbox WHERE event_id = $1", event_id
    )
    return [_waiting(row) for row in rows]


async def caused_by(connection: Connection, event_id: UUID) -> list[WaitingEvent]:
    """What this event caused, among the `LOOKED_THROUGH` oldest rows: the cause stands in their headers only."""
    rows = await connection.fetch(
        "SELECT position, event_id, headers, topic, created_at, refused FROM (SELECT position, event_id, headers,"
        " topic, created_at, refused FROM outbox ORDER BY position LIMIT $2) AS oldest"
        " WHERE position($1::bytea IN headers) > 0 ORDER BY position LIMIT $3",
        f"ce_causationid:{event_id}".encode(),
        LOOKED_THROUGH,
        _MOST_SHOWN,
    )
    return [_waiting(row) for row in rows]


async def refused_rows(connection: Connection, after: int, limit: int) -> list[WaitingEvent]:
    """Rows that the broker will not take as they are, oldest first; later ones of their keys wait behind them."""
    rows = await connection.fetch(
        "SELECT position, event_id, headers, topic, created_at, refused FROM outbox"
        " WHERE refused IS NOT NULL AND position > $1 ORDER BY position LIMIT $2",
        after,
        limit,
    )
    return [_waiting(row) for row in rows]


async def retry(connection: Connection, position: int | None) -> int:
    """Let the relay try a refused row again, or all of them; the answer is how many."""
    return int(
        await connection.fetchval(
            "WITH freed AS (UPDATE outbox SET refused = NULL WHERE refused IS NOT NULL"
            " AND ($1::bigint IS NULL OR position = $1) RETURNING 1) SELECT count(*) FROM freed",
            position,
        )
    )


def _waiting(row: asyncpg.Record) -> WaitingEvent:
    event_type = next((value.decode() for name, value in unpack_headers(row["headers"]) if name == "ce_type"), "")
    return WaitingEvent(row["position"], row["event_id"], event_type, row["topic"], row["created_at"], row["refused"])


async def depth(connection: Connection) -> OutboxDepth:
    row = await connection.fetchrow(
        "SELECT count(*) AS rows, count(refused) AS refused, min(created_at) AS oldest FROM outbox"
    )
    return OutboxDepth(row["rows"], row["refused"], row["oldest"]) if row else OutboxDepth(0, 0, None)
