"""The table `interest_search`: interests as compared by `compared`, in no log, replica or backup of PostgreSQL's.

It is unlogged: a crash, a promotion or a restore empties it. Who asks finds that out before anything is answered, and
`make_interest_search` makes it anew of the sealed interests.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import SubjectId

from notifications_service import interest_search_made
from notifications_service.compared import compared


class Searched(NamedTuple):
    """Positions of this occupation, in this place or anywhere."""

    interest_id: UUID
    subject_id: SubjectId
    occupation: str
    place: str | None


def as_searched(interest_id: UUID, subject: SubjectId, occupation: str, place: str | None) -> Searched:
    """An interest in the form in which it is compared; an empty place is none."""
    return Searched(interest_id, subject, compared(occupation), None if place is None else compared(place) or None)


async def put(connection: Connection, interests: Sequence[Searched]) -> None:
    """Have these found, in place of older forms of them; the people are locked, and the interests theirs."""
    await connection.execute(
        "INSERT INTO interest_search (interest_id, subject_id, occupation, place)"
        " SELECT interest_id, subject_id, occupation, place FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])"
        " AS i(interest_id, subject_id, occupation, place) ON CONFLICT (interest_id) DO UPDATE"
        " SET subject_id = excluded.subject_id, occupation = excluded.occupation, place = excluded.place",
        [interest.interest_id for interest in interests],
        [interest.subject_id for interest in interests],
        [interest.occupation for interest in interests],
        [interest.place for interest in interests],
    )


async def people_interested(connection: Connection, occupation: str, place: str) -> list[SubjectId]:
    """Everybody who asked for such positions, once each: one question to one index, however many they are.

    Raises:
        BeingMade: the search does not have everybody now; ask again.
    """
    await interest_search_made.require_whole(connection)
    rows = await connection.fetch(
        "SELECT subject_id FROM interest_search WHERE occupation = $1 AND place = $2"
        " UNION SELECT subject_id FROM interest_search WHERE occupation = $1 AND place IS NULL",
        occupation,
        place,
    )
    return [SubjectId(row["subject_id"]) for row in rows]


async def is_interested(connection: Connection, subject: SubjectId, occupation: str, place: str) -> bool:
    """Whether this person asks for such positions now.

    Raises:
        BeingMade: the search does not have everybody now; ask again.
    """
    await interest_search_made.require_whole(connection)
    return await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM interest_search"
        " WHERE subject_id = $1 AND occupation = $2 AND (place = $3 OR place IS NULL))",
        subject,
        occupation,
        place,
    )
