"""The table `interests`: which positions people asked to be told of, as compared by `compared`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import SubjectId


@dataclass(frozen=True, slots=True)
class Interest:
    """Positions of this occupation, in this place or anywhere."""

    interest_id: UUID
    subject_id: SubjectId
    occupation: str
    place: str | None
    saved_at: datetime


async def put(connection: Connection, interest: Interest) -> None:
    """Keep this interest, in place of an older form of it. Nobody's interest becomes another's."""
    await connection.execute(
        "INSERT INTO interests (interest_id, subject_id, occupation, place, saved_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (interest_id) DO UPDATE SET occupation = excluded.occupation, place = excluded.place,"
        " saved_at = excluded.saved_at WHERE interests.subject_id = excluded.subject_id",
        interest.interest_id,
        interest.subject_id,
        interest.occupation,
        interest.place,
        interest.saved_at,
    )


async def remove(connection: Connection, subject: SubjectId, interest_id: UUID) -> None:
    await connection.execute("DELETE FROM interests WHERE interest_id = $1 AND subject_id = $2", interest_id, subject)


async def people_interested(connection: Connection, occupation: str, place: str) -> list[SubjectId]:
    """Everybody who asked for such positions, once each: one question to one index, however many they are."""
    rows = await connection.fetch(
        "SELECT subject_id FROM interests WHERE occupation = $1 AND place = $2"
        " UNION SELECT subject_id FROM interests WHERE occupation = $1 AND place IS NULL",
        occupation,
        place,
    )
    return [SubjectId(row["subject_id"]) for row in rows]


async def is_interested(connection: Connection, subject: SubjectId, occupation: str, place: str) -> bool:
    """Whether this person asks for such positions now."""
    return await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM interests"
        " WHERE subject_id = $1 AND occupation = $2 AND (place = $3 OR place IS NULL))",
        subject,
        occupation,
        place,
    )
