"""A silent holder keeps the erasure open and is asked again, in the same words, for as long as it takes."""

from datetime import timedelta
from uuid import uuid4

import pytest
from contracts.personal import Category
from contracts.profile import DeletionReason
from retention_service import begin_erasure

from .rig import HOLDERS, Rig


async def test_a_silent_holder_is_asked_again_with_growing_delays_and_keeps_the_erasure_open(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (first,) = await rig.requests()
    await rig.answer(first, [holder for holder in HOLDERS if holder != "notifications"])
    wait = rig.settings.ask_again_after
    for attempt in range(2, 6):
        rig.clock.advance(wait - timedelta(seconds=1))
        await rig.work("ask_again")
        assert len(await rig.requests()) == attempt - 1
        rig.clock.advance(timedelta(seconds=1))
        await rig.work("ask_again")
        requests = await rig.requests()
        assert len(requests) == attempt
        assert all(request == first for request in requests)
        wait = rig.settings.ask_again_after * 2 ** (attempt - 1)
    assert await rig.stage(subject) == "asking"
    assert await rig.silent(subject) == {"notifications"}
    (erasure,) = await rig.erasures_of(subject)
    attempts = {part["holder"]: part["attempts"] for part in rig.parts(erasure)}
    assert attempts == {"audit-log": 1, "notifications": 5, "profile": 1, "retention": 1}
    await rig.answer(first, ["notifications"])
    assert await rig.stage(subject) == "fencing"


async def test_who_has_answered_is_not_asked_again(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0])
    rig.clock.advance(timedelta(days=30))
    await rig.work("ask_again")
    assert len(await rig.requests()) == 1


async def test_the_wait_never_grows_beyond_a_day(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    for asked in range(2, 20):
        rig.clock.advance(timedelta(days=1))
        await rig.work("ask_again")
        assert len(await rig.requests()) == asked


async def test_a_required_holder_that_never_registered_is_asked_too(rig: Rig) -> None:
    await rig.register("profile")
    subject = uuid4()
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0], ["profile"])
    assert await rig.silent(subject) == set(HOLDERS) - {"profile"}


async def test_what_an_erasure_covers_is_what_was_said_when_it_began(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The matrix may change between the request and its end: what was promised then is what is done (trap 46)."""
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    (first,) = await rig.requests()
    later = dict.fromkeys(DeletionReason, frozenset({Category.COMMUNICATION}))
    monkeypatch.setattr(begin_erasure, "ERASURE_SCOPE", later)
    rig.clock.advance(rig.settings.ask_again_after)
    await rig.work("ask_again")
    assert [request.categories for request in await rig.requests()] == [first.categories, first.categories]
    await rig.answer(first)
    await rig.without_fence(subject)
    assert await rig.stage(subject) == "done"
    assert await rig.key("profile", subject, "user_information") is None
    assert await rig.key("notifications", subject, "communication") is not None
