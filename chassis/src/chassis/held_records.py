"""The table `held_records`: what erasures left because of holds, sealed under the holds' own keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.personal import Category, SubjectId

from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """One row of one table, as one hold keeps it. `content` is sealed under `hold:<hold_id>` of the person."""

    hold_id: UUID
    subject_id: SubjectId
    category: Category
    table: str
    record_id: UUID
    content: bytes


async def insert(connection: Connection, records: Sequence[HeldRecord], at: datetime) -> None:
    """Keep these. Their originals go in the same transaction."""
    await connection.executemany(
        "INSERT INTO held_records (hold_id, subject_id, category, table_name, record_id, content, held_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [(one.hold_id, one.subject_id, one.category, one.table, one.record_id, one.content, at) for one in records],
    )


async def of_hold(connection: Connection, hold_id: UUID) -> list[HeldRecord]:
    """What one hold keeps here, in the order it was kept."""
    rows = await connection.fetch(
        "SELECT hold_id, subject_id, category, table_name, record_id, content FROM held_records"
        " WHERE hold_id = $1 ORDER BY id",
        hold_id,
    )
    return [
        HeldRecord(
            hold_id=row["hold_id"],
            subject_id=SubjectId(row["subject_id"]),
            category=Category(row["category"]),
            table=row["table_name"],
            record_id=row["record_id"],
            content=row["content"],
        )
        for row in rows
    ]


async def count(connection: Connection, subject: SubjectId) -> dict[tuple[UUID, Category], int]:
    """How many records of a person each hold keeps here, by category."""
    rows = await connection.fetch(
        "SELECT hold_id, category, count(*) AS records FROM held_records WHERE subject_id = $1"
        " GROUP BY hold_id, category ORDER BY hold_id, category",
        subject,
    )
    return {(row["hold_id"], Category(row["category"])): row["records"] for row in rows}


async def release(connection: Connection, hold_id: UUID) -> int:
    """Let go what this hold kept; the answer is how many rows. What another hold keeps of them stays."""
    tag = await connection.execute("DELETE FROM held_records WHERE hold_id = $1", hold_id)
    return int(tag.rpartition(" ")[2])
