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


async def register(connection: Connection, event: HolderRegistered) -> bool:
    """Keep the holder's newest declaration; False when a newer one is known, which stays.

    Waits for transactions that hold the list still (see `hold_still`).
    """
    kept = await connection.fetchval(
        "INSERT INTO holders (holder, groups, tables, registered_at) VALUES ($1, $2::text::jsonb, $3::text::jsonb, $4)"
        " ON CONFLICT (holder) DO UPDATE SET groups = excluded.groups, tables = excluded.tables,"
        " registered_at = excluded.registered_at WHERE holders.registered_at <= excluded.registered_at"
        " RETURNING holder",
        event.holder,
        _GROUPS.dump_json(event.groups).decode(),
        _TABLES.dump_json(event.tables).decode(),
        event.registered_at,
    )
    return kept is not None


async def hold_still(connection: Connection) -> None:
    """Until this transaction ends no holder registers: whoever it asks, or counts as answered, stays complete."""
    await connection.execute("LOCK TABLE holders IN SHARE MODE")


async def names(connection: Connection) -> set[str]:
    rows = await connection.fetch("SELECT holder FROM holders")
    return {row["holder"] for row in rows}


async def registered(connection: Connection) -> Sequence[RegisteredHolder]:
    """Every holder, by name."""
    rows = await connection.fetch(
        "SELECT holder, groups::text AS groups, tables::text AS tables, registered_at FROM holders ORDER BY holder"
    )
    return [
        RegisteredHolder(
            row["holder"],
            _GROUPS.validate_json(row["groups"]),
            _TABLES.validate_json(row["tables"]),
            row["registered_at"],
        )
        for row in rows
    ]
