"""The table `inbox`: the ids of events that changed this service already, so that a repeat changes nothing."""

from collections.abc import Sequence
from datetime import datetime
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


async def received_at(connection: Connection, event_id: UUID) -> datetime | None:
    """When this event was taken in; None when it was not, or is forgotten."""
    return await connection.fetchval("SELECT received_at FROM inbox WHERE event_id = $1", event_id)


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
