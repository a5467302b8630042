"""The table `wishes`: what each person looks for, sealed under their own key."""

from datetime import datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation


class Wish(PersonalRecord):
    """The sealed column."""

    occupation: Personal[str, UserInformation]
    place: Personal[str | None, UserInformation]


async def put(connection: Connection, interest: UUID, subject: SubjectId, wish: bytes, at: datetime) -> None:
    """Keep it; an interest that was saved anew replaces the older."""
    await connection.execute(
        "INSERT INTO wishes (interest_id, subject_id, wish, saved_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (interest_id) DO UPDATE SET wish = excluded.wish, saved_at = excluded.saved_at",
        interest,
        subject,
        wish,
        at,
    )


async def of(connection: Connection, subject: SubjectId) -> list[bytes]:
    """The sealed wishes of a person, oldest first."""
    rows = await connection.fetch(
        "SELECT wish FROM wishes WHERE subject_id = $1 ORDER BY saved_at, interest_id", subject
    )
    return [row["wish"] for row in rows]


async def count(connection: Connection) -> int:
    return await connection.fetchval("SELECT count(*) FROM wishes")
