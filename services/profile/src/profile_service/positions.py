"""The table `positions`: adverts of employers, about no person."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.position import ClosingReason


@dataclass(frozen=True, slots=True)
class Advert:
    """What an employer says of a position."""

    title: str
    occupation: str
    place: str
    description_html: str | None
    expires_at: datetime | None
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """One row."""

    position_id: UUID
    employer_id: UUID
    employer_name: str
    advert: Advert
    published_at: datetime
    closed_at: datetime | None = None
    closing_reason: ClosingReason | None = None


async def add(connection: Connection, position: Position) -> bool:
    """False when the employer has published a position under this external id."""
    advert = position.advert
    added = await connection.fetchval(
        "INSERT INTO positions (position_id, employer_id, employer_name, external_id, title, occupation, place,"
        " description_html, published_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (employer_id, external_id) DO NOTHING RETURNING position_id",
        position.position_id,
        position.employer_id,
        position.employer_name,
        advert.external_id,
        advert.title,
        advert.occupation,
        advert.place,
        advert.description_html,
        position.published_at,
        advert.expires_at,
    )
    return added is not None


async def find_imported(connection: Connection, employer_id: UUID, external_id: str) -> Position | None:
    """The employer's position with this external id."""
    row = await connection.fetchrow(
        "SELECT position_id, employer_id, employer_name, external_id, title, occupation, place, description_html,"
        " published_at, expires_at, closed_at, closing_reason FROM positions"
        " WHERE employer_id = $1 AND external_id = $2",
        employer_id,
        external_id,
    )
    return None if row is None else _position(row)


async def find(connection: Connection, position_id: UUID) -> Position | None:
    row = await connection.fetchrow(
        "SELECT position_id, employer_id, employer_name, external_id, title, occupation, place, description_html,"
        " published_at, expires_at, closed_at, closing_reason FROM positions WHERE position_id = $1",
        position_id,
    )
    return None if row is None else _position(row)


async def lock(connection: Connection, position_id: UUID) -> Position | None:
    """The position, locked: what is published about it is in the order of these transactions."""
    row = await connection.fetchrow(
        "SELECT position_id, employer_id, employer_name, external_id, title, occupation, place, description_html,"
        " published_at, expires_at, closed_at, closing_reason FROM positions WHERE position_id = $1 FOR UPDATE",
        position_id,
    )
    return None if row is None else _position(row)


async def all_open(connection: Connection, now: datetime, *, before: UUID | None, limit: int) -> list[Position]:
    """Positions that are open now, newest first, from one position on backwards."""
    rows = await connection.fetch(
        "SELECT position_id, employer_id, employer_name, external_id, title, occupation, place, description_html,"
        " published_at, expires_at, closed_at, closing_reason FROM positions"
        " WHERE closed_at IS NULL AND (expires_at IS NULL OR expires_at > $1)"
        " AND ($2::uuid IS NULL OR position_id < $2) ORDER BY position_id DESC LIMIT $3",
        now,
        before,
        limit,
    )
    return [_position(row) for row in rows]


async def close(connection: Connection, position_id: UUID, reason: ClosingReason, at: datetime) -> None:
    await connection.execute(
        "UPDATE positions SET closed_at = $3, closing_reason = $2 WHERE position_id = $1", position_id, reason, at
    )


def _position(row: asyncpg.Record) -> Position:
    reason = row["closing_reason"]
    return Position(
        row["position_id"],
        row["employer_id"],
        row["employer_name"],
        Advert(
            title=row["title"],
            occupation=row["occupation"],
            place=row["place"],
            description_html=row["description_html"],
            expires_at=row["expires_at"],
            external_id=row["external_id"],
        ),
        row["published_at"],
        row["closed_at"],
        None if reason is None else ClosingReason(reason),
    )
