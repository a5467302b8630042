"""Destroys keys for good: written down in the ledger first, durable, and only then in the database, from the ledger.

A database that was restored forgot some; before anything is served from it, what the ledger says is destroyed again.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from chassis.database import Database
from chassis.keys import KeyName
from chassis.logs import get_logger
from chassis.sql import Connection, borrow

from retention_service import ledger_state, subject_keys
from retention_service.destroyed_ledger import PART, Destroyed, DestroyedLedger, Mark
from retention_service.ledger_state import LedgerState

_PARTS_TOGETHER: Final = 20
"""Parts of the ledger that are taken in by one transaction."""
_log = get_logger()


class Settled(NamedTuple):
    """How far this database is, and what is written down beyond that: destroyed too, whoever has yet to commit it."""

    state: LedgerState
    pending: frozenset[KeyName]


class Destruction:
    """The ledger and the database, as one process brings them together."""

    def __init__(self, ledger: DestroyedLedger) -> None:
        self.ledger: Final = ledger
        self._known: tuple[Mark, LedgerState] | None = None
        """The ledger as it was looked at when this database had taken it in."""

    async def destroy(self, connection: Connection, destroyed: Sequence[Destroyed]) -> None:
        """Destroy these keys with the transaction's commit. Once it began there is no way back, whatever becomes of it.

        Raises:
            BadLedger: the ledger can't be written; nothing is destroyed.
        """
        state = await self._take_in(connection, await self._lock(connection))
        known = await subject_keys.find(connection, [one.name for one in destroyed])
        new = [one for one in destroyed if one.name not in known or known[one.name].wrapped is not None]
        if new:  # who was killed after it wrote them down does not write them twice
            await asyncio.to_thread(self.ledger.append, new)
            await self._take_in(connection, state)

    async def settled(self, database: Database) -> Settled:
        """What must be known before any key is used: asked each time, and true when it returns.

        Nobody is waited for: names that the database lacks, because somebody commits them at this moment, or was killed
        before, are told. A database that lacks more than a few was restored, and takes them in first.

        Raises:
            BadLedger: the ledger can't be read; no key may be used.
        """
        async with borrow(database.pool) as connection:
            state = await ledger_state.read(connection)
        mark = self.ledger.mark()
        if state is not None and mark is not None and self._same_ledger(state, mark):
            if self._has_all(state, mark):
                self._known = mark, state
                return Settled(state, frozenset())
            part = await asyncio.to_thread(self.ledger.read, state.applied)
            if len(part.destroyed) < PART:
                return Settled(state, frozenset(name for name, _ in part.destroyed))
        state = await self.settle(database)
        if mark is not None:
            self._known = mark, state
        return Settled(state, frozenset())

    def _same_ledger(self, state: LedgerState, mark: Mark) -> bool:
        if self._known is None:
            return False
        known_mark, known = self._known
        return (state.ledger_id, mark.file) == (known.ledger_id, known_mark.file) and state.applied <= mark.size

    def _has_all(self, state: LedgerState, mark: Mark) -> bool:
        """Whether this database has the whole file, or all that it had when it was last looked into."""
        if self._known is None:
            return False
        known_mark, known = self._known
        return state.applied == mark.size or (mark == known_mark and state.applied >= known.applied)

    async def settle(self, database: Database) -> LedgerState:
        """Destroy again what the database forgot, part by part."""
        while True:
            async with database.transaction(keys=()) as tx:
                before = await self._lock(tx.connection)
                state = await self._take_in(tx.connection, before, parts=_PARTS_TOGETHER)
                done = state.applied >= await asyncio.to_thread(self.ledger.end)
            if done:
                return state
            _log.warning("keyring.ledger_taken_in", place=state.applied)

    async def _lock(self, connection: Connection) -> LedgerState:
        """The state, which nobody else changes; the ledger is made whole from the database when it is not the one known."""
        identity = await asyncio.to_thread(self.ledger.identity)
        state = await ledger_state.lock(connection, identity)
        if state.ledger_id == identity and state.applied <= await asyncio.to_thread(self.ledger.end):
            return state
        _log.error("keyring.ledger_rebuilt", known=str(state.ledger_id), found=str(identity))
        after: KeyName | None = None
        while rows := await subject_keys.destroyed_after(connection, after, PART):
            await asyncio.to_thread(self.ledger.append, rows)
            after = rows[-1].name
        return LedgerState(identity, 0)

    async def _take_in(self, connection: Connection, state: LedgerState, parts: int | None = None) -> LedgerState:
        place = state.applied
        while parts is None or parts > 0:
            part = await asyncio.to_thread(self.ledger.read, place)
            place = part.after
            if not part.destroyed:
                break
            await subject_keys.destroy(connection, part.destroyed)
            parts = None if parts is None else parts - 1
        reached = LedgerState(state.ledger_id, place)
        await ledger_state.advance(connection, reached)
        return reached
