"""A holder that registers is asked from then on, in the erasures that are under way too."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.sql import borrow
from contracts.communication import LastMailOutcome
from contracts.privacy import ConsumerGroup, HolderRegistered
from contracts.profile import DeletionReason
from retention_service import holders

from .rig import HOLDERS, Rig, new_subject
from .test_on_last_mail_ended import at_mailing

GROUP = ConsumerGroup(group="profile.profile.v1", topics=("profile.v1",))


async def test_a_new_holder_is_asked_in_every_erasure_whose_keys_still_live(rig: Rig) -> None:
    open_one, answered = uuid4(), uuid4()
    await rig.delete(open_one)
    await rig.delete(answered)
    await rig.answer((await rig.requests())[1])
    await rig.register("stranger")
    assert await rig.silent(open_one) == {*HOLDERS, "stranger"}
    assert await rig.silent(answered) == {"stranger"}
    assert await rig.stage(answered) == "asking"
    await rig.work("ask_again")
    assert len([one for one in await rig.requests() if one.subject_id == answered]) == 2
    await rig.answer((await rig.requests())[1], ["stranger"])
    assert await rig.stage(answered) == "fencing"
    await rig.answer((await rig.requests())[0])
    assert await rig.stage(open_one) == "asking"
    await rig.answer((await rig.requests())[0], ["stranger"])
    assert await rig.stage(open_one) == "fencing"


@pytest.mark.parametrize("outcome", [LastMailOutcome.SENT, LastMailOutcome.GAVE_UP])
async def test_no_key_is_destroyed_before_a_holder_that_came_while_the_last_mail_was_out_has_answered(
    rig: Rig, outcome: LastMailOutcome
) -> None:
    subject, _ = await at_mailing(rig)
    await rig.register("stranger")
    await rig.end_last_mails(outcome)
    assert await rig.stage(subject) == "asking"
    await rig.work("destroy_keys")
    assert await rig.key("profile", subject, "user_information") is not None
    await rig.answer((await rig.requests())[0], ["stranger"])
    await rig.pass_fence(subject)
    await rig.work("tell_recipients")
    await rig.work("last_mail")
    assert len(await rig.last_mails_asked()) == 2
    await rig.end_last_mails(outcome)
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "done"


async def test_a_holder_that_came_after_an_erasure_that_grew_may_answer_all_that_it_reads_of_it(rig: Rig) -> None:
    subject = new_subject()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.delete(subject, DeletionReason.REQUESTED)
    first, last = await rig.requests()
    await rig.answer(last)
    await rig.without_fence(subject)
    assert await rig.stage(subject) == "done"
    await rig.register("stranger")
    await rig.deliver(rig.reply(first, "stranger"), rig.reply(last, "stranger"))
    assert await rig.reasons_parked() == []
    (erasure,) = await rig.erasures_of(subject)
    assert {part["holder"] for part in rig.parts(erasure)} == set(HOLDERS)


async def test_a_holder_that_answered_is_not_asked_again_because_it_registers_again(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0], ["profile"])
    await rig.register("profile", GROUP)
    assert await rig.silent(subject) == set(HOLDERS) - {"profile"}


async def test_the_newest_registration_is_the_one_that_counts(rig: Rig) -> None:
    await rig.register("profile")
    await rig.register("profile", GROUP)
    async with borrow(rig.service.database.pool) as connection:
        (known,) = await holders.registered(connection)
    assert known.groups == (GROUP,)


async def test_a_holder_whose_answers_nobody_could_verify_is_parked_and_blocks_no_erasure(rig: Rig) -> None:
    await rig.register("unheard-of")
    assert ["add it to TILLIT_SERVICE_JWKS_FILE" in reason for reason in await rig.reasons_parked()] == [True]
    subject = uuid4()
    await rig.delete(subject)
    assert await rig.silent(subject) == set(HOLDERS)


def _unsigned(rig: Rig) -> HolderRegistered:
    return rig.registration("profile").model_copy(update={"signature": ""})


def _signed_by_another(rig: Rig) -> HolderRegistered:
    return rig.registration("profile", signed_by="notifications")


def _fewer_topics_after_signing(rig: Rig) -> HolderRegistered:
    return rig.registration("profile", GROUP).model_copy(update={"groups": ()})


def _under_another_name(rig: Rig) -> HolderRegistered:
    return rig.registration("notifications").model_copy(update={"holder": "profile"})


@pytest.mark.parametrize("forge", [_unsigned, _signed_by_another, _fewer_topics_after_signing, _under_another_name])
async def test_a_registration_that_its_holder_did_not_sign_changes_nothing_and_is_parked(
    rig: Rig, forge: Callable[[Rig], HolderRegistered]
) -> None:
    await rig.register("profile", GROUP)
    await rig.deliver(forge(rig))
    (reason,) = await rig.reasons_parked()
    assert "not signed by the holder that it names" in reason
    async with borrow(rig.service.database.pool) as connection:
        (known,) = await holders.registered(connection)
    assert known.groups == (GROUP,)


async def test_a_holders_older_words_said_again_by_whoever_may_write_there_shrink_no_fence(rig: Rig) -> None:
    older = rig.registration("profile")
    rig.clock.advance(timedelta(days=1))
    await rig.register("profile", GROUP)
    await rig.deliver(older)
    async with borrow(rig.service.database.pool) as connection:
        (known,) = await holders.registered(connection)
    assert known.groups == (GROUP,)
