"""An erasure has one receipt number, drawn when it begins: holders are told its name, and nobody the number."""

from uuid import uuid4

from chassis.sql import borrow
from contracts.profile import DeletionReason
from contracts.receipts import name_of
from retention_service import erasures

from .rig import Rig, new_subject


async def test_every_erasure_has_a_receipt_number_of_its_own_and_tells_holders_only_its_name(rig: Rig) -> None:
    one, other = new_subject(), new_subject()
    await rig.delete(one)
    await rig.delete(other)
    async with borrow(rig.service.database.pool) as connection:
        kept = [await erasures.open_of(connection, subject) for subject in (one, other)]
    numbers = [erasure.receipt for erasure in kept if erasure is not None and erasure.receipt is not None]
    assert len({*numbers}) == 2
    assert all(len(number) == 43 for number in numbers)  # 256 random bits
    assert [request.receipt for request in await rig.requests()] == [name_of(number) for number in numbers]


async def test_an_erasure_that_grows_keeps_its_receipt_number(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    await rig.delete(subject, DeletionReason.REQUESTED)
    first, wider = await rig.requests()
    assert first.receipt == wider.receipt != ""
