"""A clock that is set forward or back in mid-erasure moves no erasure on, ends none twice, and loses none."""

from datetime import timedelta
from uuid import uuid4

import pytest
from contracts.privacy import SubjectErased

from .rig import HOLDERS, Rig

STEPS = {
    "an_hour_forward": timedelta(hours=1),
    "an_hour_back": timedelta(hours=-1),
    "a_month_forward": timedelta(days=31),
    "a_month_back": timedelta(days=-31),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_an_erasure_whose_clock_is_stepped_at_every_stage_ends_once_and_in_order(
    rig: Rig, step: timedelta
) -> None:
    """There and back before each stage: what was answered stays so, and no key goes before all have answered."""
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    (request,) = await rig.requests()
    for holder in HOLDERS:
        assert await rig.stage(subject) == "asking"
        assert await rig.key("profile", subject, "user_information") is not None
        rig.clock.advance(step)
        await rig.answer(request, [holder])
        rig.clock.advance(-step)
    assert await rig.stage(subject) == "fencing"
    rig.clock.advance(step)
    await rig.pass_fence(subject)
    assert await rig.key("profile", subject, "user_information") is not None
    rig.clock.advance(-step)
    await rig.behind_the_fence()
    await _in_a_while(rig)
    assert await rig.stage(subject) == "done"
    assert await rig.key("profile", subject, "user_information") is None
    assert len(await rig.published(SubjectErased)) == 1
    (erasure,) = await rig.erasures_of(subject)
    assert erasure["due_at"] == request.due_at.isoformat().replace("+00:00", "Z")


async def test_a_silent_holder_is_asked_again_by_the_clock_that_began_its_wait(rig: Rig) -> None:
    """A clock that had been ahead puts the next asking off by as much as it was, and loses it never."""
    subject = uuid4()
    rig.clock.advance(timedelta(hours=5))
    await rig.delete(subject)
    rig.clock.advance(timedelta(hours=-5))
    await rig.work("ask_again")
    assert len(await rig.requests()) == 1
    rig.clock.advance(timedelta(hours=5) + rig.settings.ask_again_after)
    await rig.work("ask_again")
    assert len(await rig.requests()) == 2


async def _in_a_while(rig: Rig) -> None:
    """Work that a clock ahead put off comes when that time has come."""
    rig.clock.advance(timedelta(days=32))
    await rig.behind_the_fence()
