"""Retention's own database from before: erasures that it forgot are taken up again, and their people stay erased."""

from datetime import timedelta
from uuid import uuid4

from chassis.keys import KeyName
from chassis.sql import borrow
from contracts.personal import Category
from contracts.privacy import ErasureRequested, PersonalDataErased
from contracts.profile import DeletionReason
from retention_service import erasures
from retention_service.destroyed_ledger import Destroyed, DestroyedLedger
from retention_service.erased_by_ledger import mark_by_ledger
from retention_service.erasures import Erasure, Stage

from .rig import HOLDERS, Rig, new_subject


def forgotten(rig: Rig) -> ErasureRequested:
    """A request that this retention service said before its database was restored from an earlier day."""
    return ErasureRequested(
        subject_id=new_subject(),
        erasure_id=uuid4(),
        nonce="n0nce",
        reason=DeletionReason.TERMINATED,
        categories=frozenset({Category.USER_INFORMATION}),
        requested_at=rig.clock.now() - timedelta(hours=3),
        due_at=rig.clock.now() + timedelta(days=30),
        receipt="a receipt's name",
    )


async def kept(rig: Rig, request: ErasureRequested) -> Erasure:
    async with borrow(rig.service.database.pool) as connection:
        found = await erasures.find(connection, request.erasure_id)
    assert found is not None
    return found


async def test_a_forgotten_erasure_is_taken_up_under_its_number_nonce_and_receipt(rig: Rig) -> None:
    request = forgotten(rig)
    await rig.deliver(request)
    erasure = await kept(rig, request)
    assert (erasure.erasure_id, erasure.nonce, erasure.receipt_name) == (
        request.erasure_id,
        request.nonce,
        request.receipt,
    )
    assert (erasure.stage, erasure.requested_at, erasure.due_at) == (
        Stage.ASKING,
        request.requested_at,
        request.due_at,
    )
    assert await rig.requests() == [request]


async def test_the_answers_that_are_read_again_complete_it(rig: Rig) -> None:
    request = forgotten(rig)
    await rig.deliver(request)
    await rig.deliver(*(rig.reply(request, holder) for holder in HOLDERS))
    erasure = await kept(rig, request)
    assert erasure.stage is not Stage.ASKING


async def test_the_end_of_the_profile_that_is_read_again_begins_no_second_one(rig: Rig) -> None:
    request = forgotten(rig)
    await rig.deliver(request)
    await rig.delete(request.subject_id)
    assert len(await rig.erasures_of(request.subject_id)) == 1


async def test_what_it_forgot_that_was_added_to_an_erasure_is_asked_for_with_the_words_of_then(rig: Rig) -> None:
    request = forgotten(rig)
    await rig.deliver(request)
    wider = request.model_copy(update={"nonce": "later", "categories": request.categories | {Category.COMMUNICATION}})
    await rig.deliver(wider)
    erasure = await kept(rig, request)
    assert erasure.categories == wider.categories
    assert (erasure.nonce, erasure.former_nonces) == ("later", {"n0nce"})
    assert (await rig.requests())[-1] == wider


async def test_a_request_that_it_knows_is_only_answered(rig: Rig) -> None:
    request = forgotten(rig)
    await rig.deliver(request, request)
    assert await rig.requests() == [request]
    assert len(await rig.published(PersonalDataErased)) == 2


async def test_whose_keys_were_destroyed_since_is_erased_here_too_by_the_ledger_alone(rig: Rig) -> None:
    before, since, export = new_subject(), new_subject(), new_subject()
    ledger = DestroyedLedger(rig.settings.kek_dir)
    moment = rig.clock.now()
    ledger.append([Destroyed(KeyName(before, Category.USER_INFORMATION), moment - timedelta(days=2))])
    ledger.append(
        [
            Destroyed(KeyName(since, Category.USER_INFORMATION), moment + timedelta(minutes=1)),
            Destroyed(KeyName(since, Category.COMMUNICATION), moment + timedelta(minutes=1)),
            Destroyed(KeyName(export, f"export:{uuid4()}"), moment + timedelta(minutes=1)),
        ]
    )
    assert await mark_by_ledger(rig.service, ledger)(moment) == 2
    async with rig.service.database.transaction([before, since, export], keys=()) as tx:
        assert tx.state(since).erased == {Category.USER_INFORMATION, Category.COMMUNICATION}
        assert tx.state(before).erased == frozenset()
        assert tx.state(export).erased == frozenset()


async def test_an_erasure_that_was_opened_again_after_the_backup_is_taken_up_again(rig: Rig) -> None:
    request = forgotten(rig)
    await rig.deliver(request)
    await rig.answer(request)
    await rig.without_fence(request.subject_id)
    assert (await kept(rig, request)).stage is Stage.DONE
    again = request.model_copy(update={"nonce": "opened again"})
    await rig.deliver(again)
    assert await rig.reasons_parked() == []
    erasure = await kept(rig, request)
    assert (erasure.stage, erasure.nonce, erasure.done_at) == (Stage.ASKING, "opened again", None)
    await rig.answer(again)
    await rig.without_fence(request.subject_id)
    assert (await kept(rig, request)).stage is Stage.DONE
