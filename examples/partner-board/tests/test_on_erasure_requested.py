"""An erasure deletes a person's rows, and nothing that comes late brings them back."""

from uuid import uuid4

from chassis.service import Service
from chassis.sql import borrow
from chassis.testing import KeyringServer, MovedClock, deliver
from contracts.personal import Category, SubjectId
from contracts.topics import ERASURE, PROFILE
from partner_board_service import wishes

from .people import saved, to_be_erased


async def test_an_erasure_takes_one_persons_rows_and_no_others(
    board: Service, keyring: KeyringServer, clock: MovedClock
) -> None:
    leaver, stayer = SubjectId(uuid4()), SubjectId(uuid4())
    for subject in (leaver, stayer):
        keyring.make(subject, Category)
    await deliver(board, PROFILE, [saved(leaver, clock), saved(stayer, clock)])
    await deliver(board, ERASURE, [to_be_erased(leaver, clock)])
    async with borrow(board.database.pool) as connection:
        assert await wishes.of(connection, leaver) == []
        assert len(await wishes.of(connection, stayer)) == 1
        assert await board.holder.residue(connection, leaver, [Category.USER_INFORMATION]) == {}


async def test_a_late_event_about_an_erased_person_keeps_nothing(
    board: Service, keyring: KeyringServer, clock: MovedClock
) -> None:
    leaver = SubjectId(uuid4())
    keyring.make(leaver, Category)
    await deliver(board, ERASURE, [to_be_erased(leaver, clock)])
    await deliver(board, PROFILE, [saved(leaver, clock)])
    async with borrow(board.database.pool) as connection:
        assert await wishes.count(connection) == 0
