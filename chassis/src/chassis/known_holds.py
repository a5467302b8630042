"""The table `known_holds`: which holds this service was told of, in force or lifted. Written under the person's lock."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from contracts.personal import Category, SubjectId
from contracts.privacy import Hold, LegalGround

from chassis.sql import Connection


async def remember(connection: Connection, subject: SubjectId, holds: Iterable[Hold]) -> None:
    """These are in force. One that is known takes the new review date; one that was lifted stays lifted."""
    await connection.executemany(
        "INSERT INTO known_holds (hold_id, subject_id, category, holder, table_name, records, ground, review_on)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (hold_id) DO UPDATE SET review_on = excluded.review_on"
        " WHERE known_holds.lifted_at IS NULL",
        [
            (
                hold.hold_id,
                subject,
                hold.category,
                hold.holder,
                hold.table,
                list(hold.records),
                hold.ground,
                hold.review_on,
            )
            for hold in holds
        ],
    )


async def lift(connection: Connection, subject: SubjectId, hold_id: UUID, at: datetime) -> None:
    """It is over, whether it was heard of or not. Safe to repeat."""
    await connection.execute(
        "INSERT INTO known_holds (hold_id, subject_id, lifted_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (hold_id) DO UPDATE SET lifted_at = coalesce(known_holds.lifted_at, excluded.lifted_at)",
        hold_id,
        subject,
        at,
    )


async def in_force(connection: Connection, subjects: Sequence[SubjectId]) -> dict[SubjectId, list[Hold]]:
    """What holds these people's data now, oldest first; nobody without a hold is named."""
    rows = await connection.fetch(
        "SELECT hold_id, subject_id, category, holder, table_name, records, ground, review_on FROM known_holds"
        " WHERE subject_id = ANY($1::uuid[]) AND lifted_at IS NULL ORDER BY hold_id",
        list(subjects),
    )
    found: dict[SubjectId, list[Hold]] = {}
    for row in rows:
        hold = Hold(
            hold_id=row["hold_id"],
            category=None if row["category"] is None else Category(row["category"]),
            holder=row["holder"],
            table=row["table_name"],
            records=tuple(row["records"]),
            ground=LegalGround(row["ground"]),
            review_on=row["review_on"],
        )
        found.setdefault(SubjectId(row["subject_id"]), []).append(hold)
    return found


async def people_with_any(connection: Connection, subjects: Sequence[SubjectId]) -> set[SubjectId]:
    """Of whom anything is held, or would be."""
    return set(await in_force(connection, subjects))


async def forget(connection: Connection, before: datetime, most: int) -> int:
    """Drop up to so many that were lifted before this moment; the answer is how many."""
    return int(
        await connection.fetchval(
            "WITH gone AS (DELETE FROM known_holds WHERE hold_id IN"
            " (SELECT hold_id FROM known_holds WHERE lifted_at < $1 ORDER BY lifted_at LIMIT $2) RETURNING 1)"
            " SELECT count(*) FROM gone",
            before,
            most,
        )
    )
