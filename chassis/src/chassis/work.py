"""The table `work`: things to do later, or one by one. (kind, key) exists once; a lease keeps two workers off one item."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.personal import SubjectId

from chassis.sql import Connection

CLOCKS_AGREE: Final = timedelta(minutes=1)
"""How far apart workers' clocks may be without one of them taking the other's leases for wrong."""
AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Due whatever any clock says: who asks for something now may have a clock that is ahead of everybody else's."""


@dataclass(frozen=True, slots=True)
class NewWork:
    """Something to do. Doing nothing twice is the caller's: a second (kind, key) while the first waits is dropped."""

    kind: str
    key: str
    due_at: datetime
    correlation_id: UUID
    causation_id: UUID | None = None
    subject_id: SubjectId | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """An item under this worker's lease."""

    id: int
    kind: str
    key: str
    subject_id: SubjectId | None
    attempts: int
    lease: UUID
    traceparent: str | None
    correlation_id: UUID
    causation_id: UUID | None


@dataclass(frozen=True, slots=True)
class WorkDepth:
    """How many items of a kind wait, when the next is due, and how often the most stubborn was tried."""

    kind: str
    items: int
    next_due: datetime
    attempts: int


def channel(kind: str) -> str:
    """The NOTIFY channel that wakes who does work of this kind, and nobody else: a service has dozens of kinds."""
    return f"tillit_work_{kind}"


async def insert(connection: Connection, items: Sequence[NewWork]) -> None:
    """Add items; one whose kind and key waits already is dropped."""
    ordered = sorted(items, key=lambda item: (item.kind, item.key))
    await connection.execute(
        "INSERT INTO work (kind, key, due_at, correlation_id, causation_id, subject_id, traceparent)"
        " SELECT kind, key, due_at, correlation_id, causation_id, subject_id, traceparent FROM unnest($1::text[],"
        " $2::text[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[])"
        " AS w(kind, key, due_at, correlation_id, causation_id, subject_id, traceparent)"
        " ON CONFLICT (kind, key) DO NOTHING",
        [item.kind for item in ordered],
        [item.key for item in ordered],
        [item.due_at for item in ordered],
        [item.correlation_id for item in ordered],
        [item.causation_id for item in ordered],
        [item.subject_id for item in ordered],
        [item.traceparent for item in ordered],
    )


async def claim(
    connection: Connection, kind: str, *, lease: UUID, now: datetime, lease_time: timedelta, limit: int
) -> list[WorkItem]:
    """Take the oldest due items of a kind; nobody else gets them before the lease time is over."""
    rows = await connection.fetch(
        "UPDATE work SET lease = $2, due_at = $4, attempts = attempts + 1 WHERE id IN"
        " (SELECT id FROM work WHERE kind = $1 AND due_at <= $3 ORDER BY due_at, id LIMIT $5 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, kind, key, subject_id, attempts, lease, traceparent, correlation_id, causation_id",
        kind,
        lease,
        now,
        now + lease_time,
        limit,
    )
    return sorted((WorkItem(*row.values()) for row in rows), key=lambda item: item.id)


async def come_forward(
    connection: Connection, kind: str, *, now: datetime, lease_time: timedelta, longest_delay: timedelta
) -> None:
    """Free items that were taken or postponed by a clock that was ahead: they would wait for it for hours.

    An item that was tried comes due within its lease or its delay. A clock that is behind by more than `CLOCKS_AGREE`
    sees others' leases so, and frees them: then a lease is lost, as when it was too short.
    """
    await connection.execute(
        "UPDATE work SET due_at = $2, lease = NULL WHERE kind = $1 AND attempts > 0"
        " AND due_at > $2::timestamptz + $5::interval + greatest("
        "$3::interval, least(make_interval(secs => power(2, least(attempts, 12))), $4::interval))",
        kind,
        now,
        lease_time,
        longest_delay,
        CLOCKS_AGREE,
    )


async def come_forward_again(connection: Connection, kind: str, *, now: datetime, every: timedelta) -> None:
    """The same for the recurring item of a kind whose last round ended on a clock that was ahead."""
    await connection.execute(
        "UPDATE work SET due_at = $2 WHERE kind = $1 AND attempts = 0 AND due_at > $2::timestamptz + $3::interval",
        kind,
        now,
        every + CLOCKS_AGREE,
    )


async def bring_forward(connection: Connection, kind: str, keys: Sequence[str], to: datetime) -> None:
    """What these wait for has come: they are due at this time, unless they were before or are being done."""
    await connection.execute(
        "UPDATE work SET due_at = $3 WHERE kind = $1 AND key = ANY($2::text[]) AND due_at > $3 AND lease IS NULL",
        kind,
        keys,
        to,
    )


async def finish(connection: Connection, item: WorkItem) -> bool:
    """Remove a done item; False when its lease was lost, and then nothing else of it may be committed."""
    done = await connection.fetchval("DELETE FROM work WHERE id = $1 AND lease = $2 RETURNING id", item.id, item.lease)
    return done is not None


async def renew(connection: Connection, item: WorkItem, until: datetime) -> bool:
    """Keep the lease until then; False when it was lost."""
    kept = await connection.fetchval(
        "UPDATE work SET due_at = $3 WHERE id = $1 AND lease = $2 RETURNING id", item.id, item.lease, until
    )
    return kept is not None


async def postpone(connection: Connection, item: WorkItem, until: datetime) -> None:
    """Give the lease back after a failure; the item is due again then."""
    await connection.execute(
        "UPDATE work SET due_at = $3, lease = NULL WHERE id = $1 AND lease = $2", item.id, item.lease, until
    )


async def come_again(connection: Connection, item: WorkItem, at: datetime) -> None:
    """Give a recurring item's lease back after a success; its next failure is a first one again."""
    await connection.execute(
        "UPDATE work SET due_at = $3, lease = NULL, attempts = 0 WHERE id = $1 AND lease = $2", item.id, item.lease, at
    )


async def cancel(connection: Connection, kind: str, key: str) -> bool:
    """Remove an item that is no longer to be done; False when there is none."""
    gone = await connection.fetchval("DELETE FROM work WHERE kind = $1 AND key = $2 RETURNING id", kind, key)
    return gone is not None


async def erase(connection: Connection, subject: SubjectId, kinds: Sequence[str]) -> int:
    """Delete a person's items of these kinds; the answer is how many."""
    return int(
        await connection.fetchval(
            "WITH gone AS (DELETE FROM work WHERE subject_id = $1 AND kind = ANY($2::text[]) RETURNING 1)"
            " SELECT count(*) FROM gone",
            subject,
            kinds,
        )
    )


async def people_with_any(connection: Connection, subjects: Sequence[SubjectId]) -> set[SubjectId]:
    """For whom of these something is still to be done."""
    rows = await connection.fetch("SELECT DISTINCT subject_id FROM work WHERE subject_id = ANY($1::uuid[])", subjects)
    return {SubjectId(row[0]) for row in rows}


async def next_due(connection: Connection) -> datetime | None:
    """When the next item of any kind is due."""
    return await connection.fetchval("SELECT min(due_at) FROM work")


async def caused_by(connection: Connection, event_id: UUID) -> list[WorkDepth]:
    """What is left to do because of this event, by kind. Reads the whole table: an index would cost each item, and this
    is asked by people."""
    rows = await connection.fetch(
        "SELECT kind, count(*) AS items, min(due_at) AS next_due, max(attempts) AS attempts FROM work"
        " WHERE causation_id = $1 GROUP BY kind ORDER BY kind",
        event_id,
    )
    return [WorkDepth(row["kind"], row["items"], row["next_due"], row["attempts"]) for row in rows]


async def depth(connection: Connection) -> dict[str, int]:
    """How many items wait, by kind."""
    rows = await connection.fetch("SELECT kind, count(*) AS items FROM work GROUP BY kind ORDER BY kind")
    return {row["kind"]: row["items"] for row in rows}
