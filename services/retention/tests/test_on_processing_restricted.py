"""Whoever received data of a person is told when its use is restricted, is chased, and stands in the person's list."""

from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

from contracts.personal import Category, SubjectId
from contracts.rights import NoticeKind, ProcessingRestricted, RecipientMailRequested

from .recipients_rig import Employer, Endpoint, disclosed, told_states
from .rig import Rig, new_subject
from .test_tell_recipients import open_rig, server

__all__ = ["open_rig", "server"]


def restricted(
    rig: Rig, subject: SubjectId, *categories: Category, restriction_id: UUID | None = None
) -> ProcessingRestricted:
    return ProcessingRestricted(
        subject_id=subject,
        restriction_id=restriction_id or uuid4(),
        categories=frozenset(categories or (Category.USER_INFORMATION,)),
        restricted_at=rig.clock.now(),
    )


async def one_recipient(rig: Rig, server: Endpoint) -> tuple[SubjectId, Employer]:
    """A person, and an employer with a webhook who received their data."""
    subject, employer = new_subject(), Employer(rig, webhook=server.url("/fjell"))
    await rig.make(subject)
    await disclosed(rig, subject, employer)
    return subject, employer


async def test_a_restriction_is_told_to_each_recipient_once_however_often_it_is_said(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, _ = await one_recipient(open_rig, server)
    restriction = restricted(open_rig, subject)
    for _ in range(2):
        await open_rig.deliver(restriction)
        await open_rig.work("tell_all")
    (taken,) = server.taken
    assert taken.notice["kind"] == "restriction"
    assert str(subject) not in taken.body.decode()
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_a_restriction_that_covers_more_is_told_anew_of_all_of_it(open_rig: Rig, server: Endpoint) -> None:
    subject, employer, number = new_subject(), Employer(open_rig, webhook=server.url("/fjell")), uuid4()
    await open_rig.make(subject)
    await open_rig.deliver(
        employer.registered(),
        employer.received(subject, reference="details"),
        employer.received(subject, reference="letters", category=Category.COMMUNICATION),
    )
    for categories in [(Category.USER_INFORMATION,), (Category.USER_INFORMATION, Category.COMMUNICATION)]:
        await open_rig.deliver(restricted(open_rig, subject, *categories, restriction_id=number))
        await open_rig.work("tell_all")
    first, second = (cast("list[str]", taken.notice["references"]) for taken in server.taken)
    assert (first, sorted(second)) == (["details"], ["details", "letters"])


async def test_who_received_data_of_another_category_is_not_told_of_a_restriction(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, _ = await one_recipient(open_rig, server)
    await open_rig.deliver(restricted(open_rig, subject, Category.COMMUNICATION))
    await open_rig.work("tell_all")
    assert server.taken == []


async def test_who_is_silent_about_a_restriction_is_reminded_and_shown_as_acknowledged_once_it_answers(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, employer = await one_recipient(open_rig, server)
    await open_rig.deliver(restricted(open_rig, subject))
    await open_rig.work("tell_all")
    open_rig.clock.advance(timedelta(days=7))
    await open_rig.work("tell_again")
    assert [taken.notice["reminder"] for taken in server.taken] == [0, 1]
    notice = server.taken[-1].notice
    answer = await open_rig.post(
        "stranger", f"/notices/{notice['notice_id']}/acknowledgement", employer.acknowledgement(notice)
    )
    assert answer.status_code == 204, answer.text
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["acknowledged"]}


async def test_nobody_is_reminded_of_a_restriction_once_they_know_that_the_data_is_erased(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, _ = await one_recipient(open_rig, server)
    await open_rig.deliver(restricted(open_rig, subject))
    await open_rig.work("tell_all")
    await open_rig.erase(subject)
    await open_rig.work("tell_all")
    open_rig.clock.advance(timedelta(days=8))
    await open_rig.work("tell_again")
    told = [(taken.notice["kind"], taken.notice["reminder"]) for taken in server.taken]
    assert told == [("restriction", 0), ("erasure", 0), ("erasure", 1)]
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told", "told"]}


async def test_who_has_no_webhook_is_told_of_a_restriction_by_mail(open_rig: Rig) -> None:
    subject, employer = new_subject(), Employer(open_rig, mail="personvern@dal.example")
    await open_rig.make(subject)
    await disclosed(open_rig, subject, employer)
    await open_rig.deliver(restricted(open_rig, subject))
    await open_rig.work("tell_all")
    (asked,) = await open_rig.published(RecipientMailRequested)
    assert isinstance(asked, RecipientMailRequested)
    assert (asked.kind, asked.mail) == (NoticeKind.RESTRICTION, employer.mail)


async def test_a_restriction_that_comes_after_the_erasure_tells_nobody_of_what_is_gone(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, _ = await one_recipient(open_rig, server)
    await open_rig.erase(subject)
    await open_rig.deliver(restricted(open_rig, subject))
    await open_rig.work("tell_all")
    assert [taken.notice["kind"] for taken in server.taken] == ["erasure"]
