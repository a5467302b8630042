"""Bugs of the kind that systems like this one have had, planted one at a time: the schedules must find each of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import pytest
from chassis.database import Database
from chassis.personal_tables import PersonalTable
from chassis.reactions import Mode, Verdict
from chassis.sql import Connection, borrow
from chassis.subjects import SubjectState
from chassis.transaction import Transaction
from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.privacy import HeldRecords
from notifications_service import interest_search_made
from retention_service import ledger_state, subject_keys
from retention_service.destruction import Destruction, Settled
from retention_service.ledger_state import LedgerState
from retention_service.subject_keys import NewKey

from chassis import held_records, holders, inbox, parked, run

Plant = Callable[[pytest.MonkeyPatch], None]


def the_guard_lets_everything_run(patch: pytest.MonkeyPatch) -> None:
    """Trap 1: a late event finds nobody who refuses it."""

    def judge(mode: Mode, event: type[Event], states: Sequence[SubjectState]) -> Verdict:
        return Verdict.RUN

    patch.setattr(run, "judge", judge)


def no_tombstone_is_left(patch: pytest.MonkeyPatch) -> None:
    """Traps 1, 9: whoever was erased is somebody of whom nothing is known."""

    async def mark_erased(tx: Transaction, subject: SubjectId, categories: Sequence[str]) -> None:
        return

    patch.setattr(Transaction, "mark_erased", mark_erased)


def a_destroyed_key_is_made_again(patch: pytest.MonkeyPatch) -> None:
    """Trap 28: get-or-create takes an empty row for one to be filled."""

    async def insert_new(connection: Connection, keys: Sequence[NewKey], at: datetime, *, confirmed: bool) -> int:
        for key in keys:
            await connection.execute(
                "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at) VALUES ($1, $2, $3, $4, $5)"
                " ON CONFLICT (subject_id, category) DO UPDATE SET wrapped = excluded.wrapped,"
                " kek_epoch = excluded.kek_epoch, made_at = excluded.made_at, destroyed_at = NULL"
                " WHERE subject_keys.wrapped IS NULL",
                *key.name,
                key.wrapped.ciphertext,
                key.wrapped.epoch,
                at,
            )
        return len(keys)

    patch.setattr(subject_keys, "insert_new", insert_new)


def a_table_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Trap 45: a holder says that it has erased, and one of its tables was left out."""
    erase = holders._delete  # pyright: ignore[reportPrivateUsage] - it is what is broken here

    async def delete(connection: Connection, table: PersonalTable, subject: SubjectId) -> int:
        return 0 if table.table == "interests" else await erase(connection, table, subject)

    patch.setattr(holders, "_delete", delete)


def the_inbox_forgets(patch: pytest.MonkeyPatch) -> None:
    """Trap 2: a repeat is taken for an event that never was here."""
    add_new = inbox.add_new

    async def add(connection: Connection, event_ids: Sequence[UUID], at: datetime) -> set[UUID]:
        await add_new(connection, event_ids, at)
        return set(event_ids)

    patch.setattr(inbox, "add_new", add)


def parked_records_outlive_the_person(patch: pytest.MonkeyPatch) -> None:
    """Traps 4, 14: what failed once waits to be run again, whoever it is about."""

    async def erase(connection: Connection, subject: SubjectId, categories: Collection[Category]) -> int:
        return 0

    patch.setattr(parked, "erase", erase)


def a_restored_keyring_believes_its_backup(patch: pytest.MonkeyPatch) -> None:
    """Traps 5, 29: a database from before an erasure has keys that were destroyed since."""

    settle_first = Destruction.settle

    async def settle(destruction: Destruction, database: Database) -> LedgerState:
        async with borrow(database.pool) as connection:
            state = await ledger_state.read(connection)
        return await settle_first(destruction, database) if state is None else state

    async def settled(destruction: Destruction, database: Database) -> Settled:
        return Settled(await settle(destruction, database), frozenset())

    patch.setattr(Destruction, "settle", settle)
    patch.setattr(Destruction, "settled", settled)


def a_hold_holds_nothing_back(patch: pytest.MonkeyPatch) -> None:
    """Trap 48: what was held is erased with the rest."""

    async def keep_back(*_: object) -> tuple[HeldRecords, ...]:
        return ()

    patch.setattr(holders, "keep_back", keep_back)


def what_was_held_outlives_the_hold(patch: pytest.MonkeyPatch) -> None:
    """Trap 48: a release that forgets the erasure."""

    async def release(connection: Connection, hold_id: UUID) -> int:
        return 0

    patch.setattr(held_records, "release", release)


def an_emptied_search_is_taken_for_whole(patch: pytest.MonkeyPatch) -> None:
    """R8's price: what no backup has is not made anew after a restore, and nobody is found any more, in silence."""

    async def begin(connection: Connection) -> None:
        await connection.execute(
            "INSERT INTO interest_search_made (made_to, whole) VALUES ($1, true) ON CONFLICT (one) DO NOTHING",
            interest_search_made.BEFORE_ALL,
        )

    patch.setattr(interest_search_made, "begin", begin)


PLANTED: Final[Mapping[str, Plant]] = MappingProxyType(
    {
        plant.__name__: plant
        for plant in (
            the_guard_lets_everything_run,
            no_tombstone_is_left,
            a_destroyed_key_is_made_again,
            a_table_is_forgotten,
            an_emptied_search_is_taken_for_whole,
            the_inbox_forgets,
            parked_records_outlive_the_person,
            a_restored_keyring_believes_its_backup,
            a_hold_holds_nothing_back,
            what_was_held_outlives_the_hold,
        )
    }
)
"""By name, in the order in which they are planted."""
