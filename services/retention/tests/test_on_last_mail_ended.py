"""The end of the last mail lets the erasure go on to its keys, once, and only that of its own person."""

from uuid import UUID, uuid4

import pytest
from contracts.communication import LastMailEnded, LastMailOutcome
from contracts.personal import SubjectId
from contracts.privacy import SubjectErased

from .rig import Rig


async def at_mailing(rig: Rig) -> tuple[SubjectId, UUID]:
    """A person whose last mail was asked for, and the erasure."""
    subject = SubjectId(uuid4())
    await rig.make(subject)
    await rig.delete(subject)
    request = (await rig.requests())[-1]
    await rig.answer(request)
    await rig.pass_fence(subject)
    await rig.work("tell_recipients")
    await rig.work("last_mail")
    assert await rig.stage(subject) == "mailing"
    return subject, request.erasure_id


def ended(rig: Rig, subject: SubjectId, erasure_id: UUID, outcome: LastMailOutcome) -> LastMailEnded:
    return LastMailEnded(subject_id=subject, erasure_id=erasure_id, outcome=outcome, ended_at=rig.clock.now())


@pytest.mark.parametrize("outcome", list(LastMailOutcome))
async def test_however_the_mail_ended_the_keys_are_destroyed(rig: Rig, outcome: LastMailOutcome) -> None:
    subject, erasure_id = await at_mailing(rig)
    await rig.deliver(ended(rig, subject, erasure_id, outcome))
    assert await rig.stage(subject) == "destroying"
    await rig.work("destroy_keys")
    (erasure,) = await rig.erasures_of(subject)
    assert (erasure["stage"], erasure["mail_outcome"]) == ("done", str(outcome))
    assert await rig.key("profile", subject, "user_information") is None


async def test_no_key_is_destroyed_while_the_mail_has_not_ended(rig: Rig) -> None:
    subject, _ = await at_mailing(rig)
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "mailing"
    assert await rig.key("profile", subject, "user_information") is not None


async def test_an_end_that_comes_again_changes_nothing(rig: Rig) -> None:
    subject, erasure_id = await at_mailing(rig)
    for outcome in (LastMailOutcome.SENT, LastMailOutcome.GAVE_UP):
        await rig.deliver(ended(rig, subject, erasure_id, outcome))
    await rig.work("destroy_keys")
    await rig.deliver(ended(rig, subject, erasure_id, LastMailOutcome.NO_ADDRESS))
    assert (await rig.erasures_of(subject))[0]["mail_outcome"] == "sent"
    assert len(await rig.published(SubjectErased)) == 1


async def test_an_end_before_the_mail_was_asked_for_changes_nothing(rig: Rig) -> None:
    subject = SubjectId(uuid4())
    await rig.delete(subject)
    request = (await rig.requests())[-1]
    await rig.deliver(ended(rig, subject, request.erasure_id, LastMailOutcome.SENT))
    assert await rig.stage(subject) == "asking"


async def test_an_end_of_another_persons_mail_is_parked_and_ends_nothing(rig: Rig) -> None:
    subject, erasure_id = await at_mailing(rig)
    await rig.deliver(ended(rig, SubjectId(uuid4()), erasure_id, LastMailOutcome.SENT))
    await rig.deliver(ended(rig, subject, uuid4(), LastMailOutcome.SENT))
    assert await rig.stage(subject) == "mailing"
    assert len(await rig.reasons_parked()) == 2
