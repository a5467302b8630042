"""The table `ledger_state`: how far this database has taken in the ledger of destroyed keys. Its row is the lock of both.

A database that was restored stands at an older place: it can be seen, and what it forgot is destroyed again.
"""

from typing import NamedTuple
from uuid import UUID

from chassis.sql import Connection


class LedgerState(NamedTuple):
    """Which ledger, and the place up to which its keys are destroyed here."""

    ledger_id: UUID
    applied: int


async def read(connection: Connection) -> LedgerState | None:
    """The state as it is committed; None when no ledger was ever taken in here."""
    row = await connection.fetchrow("SELECT ledger_id, applied FROM ledger_state")
    return None if row is None else LedgerState(*row.values())


async def lock(connection: Connection, ledger_id: UUID) -> LedgerState:
    """The state, nobody else's until the transaction ends: names are written down in the order of their commits."""
    row = await connection.fetchrow(
        "INSERT INTO ledger_state (ledger_id, applied) VALUES ($1, 0)"
        " ON CONFLICT (one) DO UPDATE SET applied = ledger_state.applied RETURNING ledger_id, applied",
        ledger_id,
    )
    return LedgerState(ledger_id, 0) if row is None else LedgerState(*row.values())


async def advance(connection: Connection, state: LedgerState) -> None:
    await connection.execute("UPDATE ledger_state SET ledger_id = $1, applied = $2", *state)
