"""A process that ends between any two stages, or in the middle of one, is taken up by the next where it stood."""

from uuid import uuid4

import pytest
from contracts.privacy import SubjectErased
from retention_service import erasures

from .rig import HOLDERS, Rig, opened


async def test_each_stage_is_taken_up_by_a_process_that_knows_nothing_of_the_last(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    (request,) = await rig.requests()
    for holder in HOLDERS:
        async with opened(rig.settings, rig.clock) as anew:
            await rig.taken_over_by(anew).answer(request, [holder])
    async with opened(rig.settings, rig.clock) as anew:
        assert await rig.stage(subject) == "fencing"
        await rig.taken_over_by(anew).without_fence(subject)
    assert await rig.stage(subject) == "done"
    assert await rig.key("profile", subject, "user_information") is None


async def test_a_process_that_ends_while_it_destroys_keys_has_told_nobody_and_what_it_wrote_down_is_destroyed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction is undone; the ledger is not, and the next who asks finds the keys gone."""
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[0])

    class Killed(BaseException):
        pass

    async def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(erasures, "finish", killed)
        with pytest.raises(Killed):
            await rig.without_fence(subject)
    assert await rig.stage(subject) == "destroying"
    assert await rig.key("profile", subject, "user_information") is None
    assert await rig.published(SubjectErased) == []
    rig.clock.advance(rig.lease)
    await rig.work("destroy_keys")
    assert await rig.stage(subject) == "done"
    assert len(await rig.published(SubjectErased)) == 1
    assert await rig.key("profile", subject, "user_information") is None
