"""The table `job_interests`: which positions a person looks for, sealed as they wrote it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation


class Words(PersonalRecord):
    """The interest in the person's own spelling."""

    occupation: Personal[str, UserInformation]
    place: Personal[str | None, UserInformation]


@dataclass(frozen=True, slots=True)
class JobInterest:
    """One row; `words` is sealed `Words`."""

    interest_id: UUID
    words: bytes
    saved_at: datetime


async def add(connection: Connection, subject: SubjectId, interest: JobInterest) -> None:
    await connection.execute(
        "INSERT INTO job_interests (interest_id, subject_id, words, saved_at) VALUES ($1, $2, $3, $4)",
        interest.interest_id,
        subject,
        interest.words,
        interest.saved_at,
    )


async def all_of(connection: Connection, subject: SubjectId) -> list[JobInterest]:
    """Everything the person looks for, in the order in which they said so: at most `save_job_interest.MOST_INTERESTS`."""
    rows = await connection.fetch(
        "SELECT interest_id, words, saved_at FROM job_interests WHERE subject_id = $1 ORDER BY interest_id", subject
    )
    return [_interest(row) for row in rows]


async def find(connection: Connection, subject: SubjectId, interest_id: UUID) -> JobInterest | None:
    """One of the person's own; nobody else's is found."""
    row = await connection.fetchrow(
        "SELECT interest_id, words, saved_at FROM job_interests WHERE interest_id = $1 AND subject_id = $2",
        interest_id,
        subject,
    )
    return None if row is None else _interest(row)


async def remove(connection: Connection, subject: SubjectId, interest_id: UUID) -> bool:
    """False when the person has no such interest."""
    gone = await connection.fetchval(
        "DELETE FROM job_interests WHERE interest_id = $1 AND subject_id = $2 RETURNING interest_id",
        interest_id,
        subject,
    )
    return gone is not None


def _interest(row: asyncpg.Record) -> JobInterest:
    return JobInterest(row["interest_id"], row["words"], row["saved_at"])
