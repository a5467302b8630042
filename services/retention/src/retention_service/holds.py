"""The table `holds`: what of whom may not be erased for now, why, who answers for it, and when it is looked at again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.personal import Category, SubjectId
from contracts.privacy import Hold, LegalGround


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """One row. `reason` is sealed; `owner` is the officer who answers for it."""

    hold: Hold
    subject_id: SubjectId
    reason: bytes
    owner: str
    placed_at: datetime
    reviewed_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None


_COLUMNS: Final = (
    "hold_id, subject_id, category, holder, table_name, records, ground, reason, owner, placed_at, review_on,"
    " reviewed_at, lifted_at, lifted_by"
)


async def insert(connection: Connection, placed: PlacedHold) -> None:
    hold = placed.hold
    await connection.execute(
        "INSERT INTO holds (hold_id, subject_id, category, holder, table_name, records, ground, reason, owner, placed_at,"
        " review_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        hold.hold_id,
        placed.subject_id,
        hold.category,
        hold.holder,
        hold.table,
        list(hold.records),
        hold.ground,
        placed.reason,
        placed.owner,
        placed.placed_at,
        hold.review_on,
    )


async def find(connection: Connection, hold_id: UUID) -> PlacedHold | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM holds WHERE hold_id = $1", hold_id)  # noqa: S608 - ours
    return None if row is None else _placed(row)


async def in_force(connection: Connection, subject: SubjectId) -> tuple[Hold, ...]:
    """What holds this person's data now; true until the transaction ends that holds the person's lock."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM holds WHERE subject_id = $1 AND lifted_at IS NULL ORDER BY hold_id",  # noqa: S608
        subject,
    )
    return tuple(_placed(row).hold for row in rows)


async def lift(connection: Connection, hold_id: UUID, officer: str, at: datetime) -> None:
    await connection.execute(
        "UPDATE holds SET lifted_at = $3, lifted_by = $2 WHERE hold_id = $1 AND lifted_at IS NULL",
        hold_id,
        officer,
        at,
    )


async def review(connection: Connection, hold_id: UUID, officer: str, review_on: datetime, at: datetime) -> None:
    """It was looked at and stays: this officer answers for it from now on."""
    await connection.execute(
        "UPDATE holds SET review_on = $3, reviewed_at = $4, reviewed_by = $2, owner = $2"
        " WHERE hold_id = $1 AND lifted_at IS NULL",
        hold_id,
        officer,
        review_on,
        at,
    )


async def page(
    connection: Connection,
    *,
    subject: UUID | None,
    overdue_at: datetime | None,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[PlacedHold]:
    """Newest first, of everybody or of one person; with `overdue_at` those in force whose review was due then."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM holds WHERE ($1::uuid IS NULL OR subject_id = $1)"  # noqa: S608 - our columns
        " AND ($2::timestamptz IS NULL OR (lifted_at IS NULL AND review_on < $2))"
        " AND ($3::timestamptz IS NULL OR (placed_at, hold_id) < ($3, $4::uuid))"
        " ORDER BY placed_at DESC, hold_id DESC LIMIT $5",
        subject,
        overdue_at,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [_placed(row) for row in rows]


async def count(connection: Connection, now: datetime) -> tuple[int, int]:
    """How many are in force, and of how many of these the review is overdue."""
    row = await connection.fetchrow(
        "SELECT count(*) AS open, count(*) FILTER (WHERE review_on < $1) AS overdue FROM holds WHERE lifted_at IS NULL",
        now,
    )
    return (0, 0) if row is None else (row["open"], row["overdue"])


def _placed(row: asyncpg.Record) -> PlacedHold:
    return PlacedHold(
        hold=Hold(
            hold_id=row["hold_id"],
            category=None if row["category"] is None else Category(row["category"]),
            holder=row["holder"],
            table=row["table_name"],
            records=tuple(row["records"]),
            ground=LegalGround(row["ground"]),
            review_on=row["review_on"],
        ),
        subject_id=SubjectId(row["subject_id"]),
        reason=row["reason"],
        owner=row["owner"],
        placed_at=row["placed_at"],
        reviewed_at=row["reviewed_at"],
        lifted_at=row["lifted_at"],
        lifted_by=row["lifted_by"],
    )
