"""Keys that nobody used are asked about after a day; silence destroys none, however long it lasts."""

from datetime import timedelta
from uuid import uuid4

from contracts.personal import Category, SubjectId
from contracts.rights import KeysUnconfirmed

from .rig import Rig
from .test_fence import ITEM


async def sweep(rig: Rig) -> None:
    """One run of the schedule."""
    (known,) = [kind for kind in rig.service.work_kinds if kind.kind == "unused_keys"]
    assert known.errand is not None
    await known.errand(ITEM)


async def test_keys_that_nothing_told_of_for_a_day_are_asked_about(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject, ["user_information", "communication"])
    rig.clock.advance(timedelta(hours=23))
    await sweep(rig)
    assert await rig.published(KeysUnconfirmed) == []
    rig.clock.advance(timedelta(hours=2))
    await sweep(rig)
    assert await rig.published(KeysUnconfirmed) == [
        KeysUnconfirmed(subject_id=SubjectId(subject), keys=("communication", "user_information"))
    ]


async def test_silence_destroys_nothing_and_the_question_is_asked_again(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    for _ in range(3):
        rig.clock.advance(timedelta(days=30))
        await sweep(rig)
    assert len(await rig.published(KeysUnconfirmed)) == 3
    assert await rig.key("profile", subject, "user_information") is not None


async def test_an_applications_key_is_asked_about_like_any_other(rig: Rig) -> None:
    subject, name = uuid4(), f"application:{uuid4()}"
    await rig.make(subject, [name])
    rig.clock.advance(timedelta(days=2))
    await sweep(rig)
    assert await rig.published(KeysUnconfirmed) == [KeysUnconfirmed(subject_id=SubjectId(subject), keys=(name,))]


async def test_keys_of_holds_and_of_the_log_are_used_from_the_beginning(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    body = {
        "subject_id": str(subject),
        "ground": "17(3)(e)",
        "reason": "a claim",
        "review_on": (rig.clock.now() + timedelta(days=9)).isoformat(),
        "whole_person": True,
    }
    assert (await rig.post("operator", "/holds", body)).status_code == 201
    rig.clock.advance(timedelta(days=2))
    await sweep(rig)
    (asked,) = await rig.published(KeysUnconfirmed)
    assert isinstance(asked, KeysUnconfirmed)
    assert set(asked.keys) == set(Category)
