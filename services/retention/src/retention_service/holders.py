"""The table `holders`: every service that keeps personal data, the groups it reads with and the tables it declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chassis.sql import Connection
from contracts.privacy import ConsumerGroup, HeldTable, HolderRegistered
from pydantic import TypeAdapter

_GROUPS: Final = TypeAdapter(tuple[ConsumerGroup, ...])
_TABLES: Final = TypeAdapter(tuple[HeldTable, ...])


@dataclass(frozen=True, slots=True)
class RegisteredHolder:
    """One row."""

    holder: str
    groups: tuple[ConsumerGroup, ...]
    tables: tuple[HeldTable, ...]
    registered_at: datetime
    retired_at: datetime | None
    """Since when it is gone for good and asked no more."""


async def register(connection: Connection, event: HolderRegistered) -> bool:
    """Keep the holder's newest declaration; False when a newer one is known, or it is retired: that stays.

    Waits for transactions that hold the list still (see `hold_still`).
    """
    kept = await connection.fetchval(
        "INSERT INTO holders (holder, groups, tables, registered_at) VALUES ($1, $2::text::jsonb, $3::text::jsonb, $4)"
        " ON CONFLICT (holder) DO UPDATE SET groups = excluded.groups, tables = excluded.tables,"
        " registered_at = excluded.registered_at WHERE holders.registered_at <= excluded.registered_at"
        " AND holders.retired_at IS NULL RETURNING holder",
        event.holder,
        _GROUPS.dump_json(event.groups).decode(),
        _TABLES.dump_json(event.tables).decode(),
        event.registered_at,
    )
    return kept is not None


async def hold_still(connection: Connection) -> None:
    """Until this transaction ends no holder registers: whoever it asks, or counts as answered, stays complete."""
    await connection.execute("LOCK TABLE holders IN SHARE MODE")


async def hold_alone(connection: Connection) -> None:
    """Until this transaction ends nobody registers, asks all holders, or retires one."""
    await connection.execute("LOCK TABLE holders IN SHARE ROW EXCLUSIVE MODE")


async def names(connection: Connection) -> set[str]:
    """Whom an erasure asks: every holder that is not retired."""
    rows = await connection.fetch("SELECT holder FROM holders WHERE retired_at IS NULL")
    return {row["holder"] for row in rows}


async def registered(connection: Connection) -> Sequence[RegisteredHolder]:
    """Every holder that is not retired, by name."""
    return [one for one in await ever_registered(connection) if one.retired_at is None]


async def ever_registered(connection: Connection) -> Sequence[RegisteredHolder]:
    """Every holder, retired ones too, by name."""
    rows = await connection.fetch(
        "SELECT holder, groups::text AS groups, tables::text AS tables, registered_at, retired_at FROM holders"
        " ORDER BY holder"
    )
    return [
        RegisteredHolder(
            row["holder"],
            _GROUPS.validate_json(row["groups"]),
            _TABLES.validate_json(row["tables"]),
            row["registered_at"],
            row["retired_at"],
        )
        for row in rows
    ]


async def retired(connection: Connection) -> dict[str, datetime]:
    """Holders that are gone for good, and since when."""
    rows = await connection.fetch("SELECT holder, retired_at FROM holders WHERE retired_at IS NOT NULL")
    return {row["holder"]: row["retired_at"] for row in rows}


async def retire(connection: Connection, holder: str, at: datetime) -> None:
    """Ask this holder no more; waits for transactions that hold the list still."""
    await connection.execute("UPDATE holders SET retired_at = $2 WHERE holder = $1", holder, at)
