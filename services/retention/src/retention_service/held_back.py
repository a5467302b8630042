"""The table `held_back`: erasures that the breaker keeps from beginning."""

from uuid import UUID

from chassis.sql import Connection
from contracts.personal import SubjectId


async def add(connection: Connection, erasure_id: UUID, trip_id: UUID, subject: SubjectId) -> None:
    await connection.execute(
        "INSERT INTO held_back (erasure_id, trip_id, subject_id) VALUES ($1, $2, $3)", erasure_id, trip_id, subject
    )


async def contains(connection: Connection, erasure_id: UUID) -> bool:
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM held_back WHERE erasure_id = $1)", erasure_id))


async def of_trip(connection: Connection, trip_id: UUID) -> dict[UUID, SubjectId]:
    """Whose erasures it keeps, by erasure."""
    rows = await connection.fetch(
        "SELECT erasure_id, subject_id FROM held_back WHERE trip_id = $1 ORDER BY erasure_id", trip_id
    )
    return {row["erasure_id"]: SubjectId(row["subject_id"]) for row in rows}


async def count(connection: Connection, trip_id: UUID) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM held_back WHERE trip_id = $1", trip_id))


async def remove(connection: Connection, erasure_id: UUID) -> bool:
    """Let it begin; False when it was let before."""
    gone = await connection.fetchval("DELETE FROM held_back WHERE erasure_id = $1 RETURNING erasure_id", erasure_id)
    return gone is not None
