"""The table `deletions`: who asked to be deleted, and until when they may take it back."""

from dataclasses import dataclass
from datetime import datetime

from chassis.sql import Connection
from contracts.personal import SubjectId
from contracts.profile import DeletionReason


@dataclass(frozen=True, slots=True)
class Deletion:
    """One row."""

    reason: DeletionReason
    requested_at: datetime
    final_at: datetime


async def add(connection: Connection, subject: SubjectId, deletion: Deletion) -> None:
    await connection.execute(
        "INSERT INTO deletions (subject_id, reason, requested_at, final_at) VALUES ($1, $2, $3, $4)",
        subject,
        deletion.reason,
        deletion.requested_at,
        deletion.final_at,
    )


async def find(connection: Connection, subject: SubjectId) -> Deletion | None:
    row = await connection.fetchrow(
        "SELECT reason, requested_at, final_at FROM deletions WHERE subject_id = $1", subject
    )
    if row is None:
        return None
    return Deletion(DeletionReason(row["reason"]), row["requested_at"], row["final_at"])


async def remove(connection: Connection, subject: SubjectId) -> bool:
    """False when none was asked for."""
    gone = await connection.fetchval("DELETE FROM deletions WHERE subject_id = $1 RETURNING subject_id", subject)
    return gone is not None
