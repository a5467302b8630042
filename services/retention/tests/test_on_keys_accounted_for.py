"""What profile never used is destroyed for good; what it uses, or anybody confirmed, is not, whatever an answer says."""

from datetime import timedelta
from uuid import UUID, uuid4

from contracts.personal import Category, SubjectId
from contracts.profile import KeysAccountedFor
from contracts.rights import KeysUnconfirmed

from .rig import Rig
from .test_on_profile_registered import registered
from .test_sweep_unused_keys import sweep

ALL = tuple(sorted(Category))


async def forgotten(rig: Rig) -> UUID:
    """Somebody whose registration never came."""
    subject = uuid4()
    await rig.make(subject)
    rig.clock.advance(timedelta(days=2))
    await sweep(rig)
    return subject


async def living(rig: Rig, subject: UUID) -> set[str]:
    readers = {"profile": ("user_information", "application"), "notifications": ("communication",)}
    return {
        name for reader, names in readers.items() for name in names if await rig.key(reader, subject, name) is not None
    }


async def answer(rig: Rig, subject: UUID, used: tuple[str, ...], unused: tuple[str, ...]) -> None:
    await rig.deliver(KeysAccountedFor(subject_id=SubjectId(subject), used=used, unused=unused))
    assert await rig.reasons_parked() == []


async def test_unused_keys_are_destroyed_through_the_ledger_and_never_made_again(rig: Rig) -> None:
    subject = await forgotten(rig)
    before = (await rig.get("/keys/destroyed", "profile")).json()["after"]
    await answer(rig, subject, (), ALL)
    assert await living(rig, subject) == set()
    told = (await rig.get(f"/keys/destroyed?after={before}", "profile")).json()["keys"]
    assert {key["category"] for key in told} == {"application", "user_information"}
    await rig.make(subject)
    assert await living(rig, subject) == set()


async def test_used_keys_stay_and_are_not_asked_about_again(rig: Rig) -> None:
    subject = await forgotten(rig)
    await answer(rig, subject, ALL, ())
    rig.clock.advance(timedelta(days=2))
    await sweep(rig)
    assert len(await rig.published(KeysUnconfirmed)) == 1
    assert await living(rig, subject) == {"application", "communication", "user_information"}


async def test_an_answer_destroys_no_key_that_was_confirmed_meanwhile(rig: Rig) -> None:
    subject = await forgotten(rig)
    await rig.deliver(registered(rig, subject))
    await answer(rig, subject, (), ALL)
    assert await living(rig, subject) == {"application", "communication", "user_information"}


async def test_an_answer_destroys_no_key_younger_than_a_day(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    rig.clock.advance(timedelta(hours=23))
    await answer(rig, subject, (), ALL)
    assert await living(rig, subject) == {"application", "communication", "user_information"}


async def test_a_late_confirmation_brings_no_key_back(rig: Rig) -> None:
    subject = await forgotten(rig)
    await answer(rig, subject, (), ALL)
    await answer(rig, subject, ALL, ())
    await rig.deliver(registered(rig, subject))
    assert await living(rig, subject) == set()


async def test_an_answer_about_another_person_destroys_nothing_of_this_one(rig: Rig) -> None:
    subject = await forgotten(rig)
    await answer(rig, uuid4(), (), ALL)
    assert await living(rig, subject) == {"application", "communication", "user_information"}
