"""The table `holder_retirements`: which officers gave a holder up for gone, and why."""

from dataclasses import dataclass
from datetime import datetime

from chassis.sql import Connection


@dataclass(frozen=True, slots=True)
class Retirement:
    """One row; without `retired_at` another officer has still to agree."""

    holder: str
    reason: str
    first_officer: str
    first_at: datetime
    second_officer: str | None
    second_reason: str | None
    retired_at: datetime | None


async def all_of_them(connection: Connection) -> dict[str, Retirement]:
    """Every retirement, agreed on or not, by holder."""
    rows = await connection.fetch(
        "SELECT holder, reason, first_officer, first_at, second_officer, second_reason, retired_at"
        " FROM holder_retirements"
    )
    return {row["holder"]: Retirement(*row.values()) for row in rows}


async def propose(connection: Connection, holder: str, reason: str, officer: str, at: datetime) -> None:
    """The first officer's word; it alone retires nothing. It takes the place of one that holds no more."""
    await connection.execute(
        "INSERT INTO holder_retirements (holder, reason, first_officer, first_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (holder) DO UPDATE SET reason = excluded.reason, first_officer = excluded.first_officer,"
        " first_at = excluded.first_at",
        holder,
        reason,
        officer,
        at,
    )


async def agree(connection: Connection, holder: str, reason: str, officer: str, at: datetime) -> None:
    """The second officer's."""
    await connection.execute(
        "UPDATE holder_retirements SET second_officer = $3, second_reason = $2, retired_at = $4 WHERE holder = $1",
        holder,
        reason,
        officer,
        at,
    )
