"""The table `positions`: adverts of which people are told, about no person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class Position:
    """What a mail says of a position, and what it is matched by."""

    position_id: UUID
    title: str
    employer_name: str
    place: str
    compared_occupation: str
    compared_place: str
    published_at: datetime
    expires_at: datetime | None


async def add(connection: Connection, position: Position) -> bool:
    """Keep a newly published position; False when it is known already, so that nobody is told twice."""
    added = await connection.fetchval(
        "INSERT INTO positions (position_id, title, employer_name, place, compared_occupation, compared_place,"
        " published_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        " ON CONFLICT (position_id) DO NOTHING RETURNING position_id",
        position.position_id,
        position.title,
        position.employer_name,
        position.place,
        position.compared_occupation,
        position.compared_place,
        position.published_at,
        position.expires_at,
    )
    return added is not None


async def close(connection: Connection, position_id: UUID, at: datetime) -> None:
    """From now on nobody is told of it."""
    await connection.execute(
        "UPDATE positions SET closed_at = $2 WHERE position_id = $1 AND closed_at IS NULL", position_id, at
    )


async def find_open(connection: Connection, position_id: UUID, now: datetime) -> Position | None:
    """The position, if people may still be told of it."""
    row = await connection.fetchrow(
        "SELECT position_id, title, employer_name, place, compared_occupation, compared_place, published_at, expires_at"
        " FROM positions WHERE position_id = $1 AND closed_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        position_id,
        now,
    )
    return Position(*row.values()) if row is not None else None
