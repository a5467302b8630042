"""The table `inbox`: the ids of events that changed this service already, so that a repeat changes nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.sql import Connection


async def add_new(connection: Connection, event_ids: Sequence[UUID], at: datetime) -> set[UUID]:
    """Add the ids; the answer is those that were not there."""
    rows = await connection.fetch(
        "INSERT INTO inbox (event_id, received_at) SELECT id, $2 FROM unnest($1::uuid[]) AS id ORDER BY id"
        " ON CONFLICT DO NOTHING RETURNING event_id",
        event_ids,
        at,
    )
    return {row[0] for row in rows}


async def refuse(connection: Connection, refused: Mapping[UUID, str]) -> None:
    """Remember of these why the guard let no reaction run."""
    await connection.execute(
        "UPDATE inbox SET refused = why FROM unnest($1::uuid[], $2::text[]) AS r(id, why) WHERE event_id = id",
        list(refused),
        list(refused.values()),
    )


class TakenIn(NamedTuple):
    """What became of an event here."""

    at: datetime
    refused: str | None
    """Why the guard let no reaction run: `erased` or `restricted`."""


async def find(connection: Connection, event_id: UUID) -> TakenIn | None:
    """When this event was taken in, and whether it ran; None when it was not, or is forgotten."""
    row = await connection.fetchrow("SELECT received_at, refused FROM inbox WHERE event_id = $1", event_id)
    return TakenIn(row["received_at"], row["refused"]) if row is not None else None


async def forget(connection: Connection, before: datetime, most: int) -> int:
    """Drop up to so many ids older than any topic keeps records; the answer is how many."""
    return int(
        await connection.fetchval(
            "WITH gone AS (DELETE FROM inbox WHERE event_id IN"
            " (SELECT event_id FROM inbox WHERE received_at < $1 ORDER BY received_at LIMIT $2) RETURNING 1)"
            " SELECT count(*) FROM gone",
            before,
            most,
        )
    )
