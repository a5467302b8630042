"""What a person looks for is kept sealed, and cannot be read once their key is gone."""

from uuid import uuid4

from chassis.service import Service
from chassis.sql import borrow
from chassis.testing import KeyringServer, MovedClock, deliver
from contracts.personal import ERASED, Category, SubjectId
from contracts.topics import PROFILE
from partner_board_service import wishes
from partner_board_service.wishes import Wish

from .people import saved


async def test_a_wish_is_kept_and_only_its_owners_key_opens_it(
    board: Service, keyring: KeyringServer, clock: MovedClock
) -> None:
    subject = SubjectId(uuid4())
    keyring.make(subject, Category)
    await deliver(board, PROFILE, [saved(subject, clock)])

    async with board.database.transaction([subject]) as tx:
        [blob] = await wishes.of(tx.connection, subject)
        assert b"fyrvokter" not in blob
        assert tx.open(Wish, blob).occupation.reveal() == "fyrvokter"

    keyring.destroy(subject, [Category.USER_INFORMATION])
    board.keys.drop(subject, [Category.USER_INFORMATION])
    async with board.database.transaction([subject]) as tx:
        assert tx.open(Wish, blob).occupation.reveal() is ERASED


async def test_an_interest_that_is_told_twice_is_one_wish(
    board: Service, keyring: KeyringServer, clock: MovedClock
) -> None:
    subject = SubjectId(uuid4())
    keyring.make(subject, Category)
    told = saved(subject, clock)
    await deliver(board, PROFILE, [told, told])
    async with borrow(board.database.pool) as connection:
        assert await wishes.count(connection) == 1
