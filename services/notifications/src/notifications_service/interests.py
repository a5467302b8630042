"""The table `interests`: which positions people asked to be told of, sealed. What is compared is in `interest_search`."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation


class Words(PersonalRecord):
    """Positions of this occupation, in this place or anywhere, as the person wrote it."""

    occupation: Personal[str, UserInformation]
    place: Personal[str | None, UserInformation]


class Interest(NamedTuple):
    """One row; `words` is sealed `Words`."""

    interest_id: UUID
    subject_id: SubjectId
    words: bytes


async def put(connection: Connection, interest: Interest, saved_at: datetime) -> bool:
    """Keep this interest, in place of an older form of it; False when it is another's: nobody's becomes another's."""
    kept = await connection.fetchval(
        "INSERT INTO interests (interest_id, subject_id, words, saved_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (interest_id) DO UPDATE SET words = excluded.words, saved_at = excluded.saved_at"
        " WHERE interests.subject_id = excluded.subject_id RETURNING interest_id",
        interest.interest_id,
        interest.subject_id,
        interest.words,
        saved_at,
    )
    return kept is not None


async def remove(connection: Connection, subject: SubjectId, interest_id: UUID) -> None:
    """Forget it, and with it what is compared of it."""
    await connection.execute("DELETE FROM interests WHERE interest_id = $1 AND subject_id = $2", interest_id, subject)


async def owners(connection: Connection, after: UUID, limit: int) -> dict[UUID, SubjectId]:
    """Whose the next interests after this id are, by interest, in the order of their ids."""
    rows = await connection.fetch(
        "SELECT interest_id, subject_id FROM interests WHERE interest_id > $1 ORDER BY interest_id LIMIT $2",
        after,
        limit,
    )
    return {row["interest_id"]: SubjectId(row["subject_id"]) for row in rows}


async def page(connection: Connection, after: UUID, to: UUID) -> list[Interest]:
    """The interests after the one id, up to the other."""
    rows = await connection.fetch(
        "SELECT interest_id, subject_id, words FROM interests WHERE interest_id > $1 AND interest_id <= $2", after, to
    )
    return [Interest(row["interest_id"], SubjectId(row["subject_id"]), row["words"]) for row in rows]
