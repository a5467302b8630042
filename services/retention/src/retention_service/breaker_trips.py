"""The table `breaker_trips`: when the breaker stopped all erasures, and which two officers released it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from chassis.sql import Connection

_LOCK: Final = 0x7411_0010


@dataclass(frozen=True, slots=True)
class Trip:
    """One stop."""

    trip_id: UUID
    tripped_at: datetime
    begun: int
    most: int
    first_officer: str | None
    first_at: datetime | None
    released_by: str | None
    released_at: datetime | None


_COLUMNS: Final = "trip_id, tripped_at, begun, most, first_officer, first_at, released_by, released_at"


async def hold_still(connection: Connection) -> None:
    """Until the transaction ends nobody else counts, trips or releases: the count is exact."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def open_one(connection: Connection) -> Trip | None:
    """The stop that nobody has released, if there is one."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM breaker_trips WHERE released_at IS NULL")  # noqa: S608
    return None if row is None else _trip(row)


async def last_release(connection: Connection) -> datetime | None:
    return await connection.fetchval("SELECT max(released_at) FROM breaker_trips")


async def insert(connection: Connection, trip_id: UUID, at: datetime, *, begun: int, most: int) -> None:
    await connection.execute(
        "INSERT INTO breaker_trips (trip_id, tripped_at, begun, most) VALUES ($1, $2, $3, $4)", trip_id, at, begun, most
    )


async def agree(connection: Connection, trip_id: UUID, officer: str, at: datetime) -> None:
    """The first officer's word; it alone releases nothing."""
    await connection.execute(
        "UPDATE breaker_trips SET first_officer = $2, first_at = $3 WHERE trip_id = $1", trip_id, officer, at
    )


async def release(connection: Connection, trip_id: UUID, officer: str, at: datetime) -> None:
    """The second officer's."""
    await connection.execute(
        "UPDATE breaker_trips SET released_by = $2, released_at = $3 WHERE trip_id = $1", trip_id, officer, at
    )


def _trip(row: asyncpg.Record) -> Trip:
    return Trip(
        trip_id=row["trip_id"],
        tripped_at=row["tripped_at"],
        begun=row["begun"],
        most=row["most"],
        first_officer=row["first_officer"],
        first_at=row["first_at"],
        released_by=row["released_by"],
        released_at=row["released_at"],
    )
