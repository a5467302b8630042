"""Whoever received details of a person is told when they were corrected, and not what they are now (Art. 19)."""

from contracts.personal import Category, Personal, SubjectId
from contracts.profile import ProfileCorrected

from .recipients_rig import Employer, Endpoint, disclosed, told_states
from .rig import Rig, new_subject
from .test_tell_recipients import open_rig, server

__all__ = ["open_rig", "server"]


def corrected(rig: Rig, subject: SubjectId) -> ProfileCorrected:
    return ProfileCorrected(
        subject_id=subject,
        corrected_at=rig.clock.now(),
        name=Personal("Kari Nytt Navn"),
        email=Personal("kari@post.example"),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


async def test_each_correction_is_told_to_each_recipient_once(open_rig: Rig, server: Endpoint) -> None:
    subject, employer = new_subject(), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.make(subject)
    await disclosed(open_rig, subject, employer)
    for _ in range(2):
        await open_rig.deliver(corrected(open_rig, subject))
        await open_rig.work("tell_all")
    assert [taken.notice["kind"] for taken in server.taken] == ["correction", "correction"]
    assert len({taken.notice["notice_id"] for taken in server.taken}) == 2
    assert b"Kari" not in b"".join(taken.body for taken in server.taken)
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told", "told"]}


async def test_who_received_something_else_is_not_told_of_it(open_rig: Rig, server: Endpoint) -> None:
    subject, employer = new_subject(), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.make(subject)
    await open_rig.deliver(employer.registered(), employer.received(subject, category=Category.COMMUNICATION))
    await open_rig.deliver(corrected(open_rig, subject))
    await open_rig.work("tell_all")
    assert server.taken == []


async def test_a_correction_that_waits_and_an_erasure_are_told_both(open_rig: Rig, server: Endpoint) -> None:
    subject, employer = new_subject(), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.make(subject)
    await disclosed(open_rig, subject, employer)
    await open_rig.deliver(corrected(open_rig, subject))
    await open_rig.erase(subject)
    assert sorted(str(taken.notice["kind"]) for taken in server.taken) == ["correction", "erasure"]
    assert await open_rig.stage(subject) == "done"
