"""Who registered uses the keys that were made for them: no sweep takes them, however late anybody looks."""

from datetime import timedelta
from uuid import UUID, uuid4

from contracts.personal import Personal, SubjectId
from contracts.profile import ProfileKind, ProfileRegistered
from contracts.rights import KeysUnconfirmed

from .rig import Rig
from .test_sweep_unused_keys import sweep


def registered(rig: Rig, subject: UUID) -> ProfileRegistered:
    return ProfileRegistered(
        subject_id=SubjectId(subject),
        kind=ProfileKind.JOB_SEEKER,
        employer_id=None,
        registered_at=rig.clock.now(),
        name=Personal("Kari"),
        email=Personal("kari@post.example"),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


async def test_the_keys_of_who_registered_are_confirmed_without_opening_what_they_said(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.deliver(registered(rig, subject))
    rig.clock.advance(timedelta(days=3))
    await sweep(rig)
    assert await rig.published(KeysUnconfirmed) == []
    assert await rig.key("profile", subject, "user_information") is not None
    assert await rig.reasons_parked() == []


async def test_a_registration_that_is_told_after_its_keys_were_destroyed_brings_none_back(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.erase(subject)
    await rig.deliver(registered(rig, subject))
    assert await rig.key("profile", subject, "user_information") is None
