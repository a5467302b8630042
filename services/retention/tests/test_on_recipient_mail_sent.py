"""A mail that was sent tells its recipient, once; one about a notice of another recipient tells nobody."""

from uuid import UUID, uuid4

from contracts.communication import RecipientMailSent
from contracts.rights import RecipientMailRequested

from .recipients_rig import Employer, told_states
from .rig import Rig
from .test_tell_recipients import at_telling, open_rig

__all__ = ["open_rig"]


async def asked(rig: Rig) -> tuple[UUID, RecipientMailRequested]:
    subject = await at_telling(rig, Employer(rig, mail="personvern@fjell.example"))
    await rig.work("tell_all")
    return subject, await newest(rig)


def mailed(
    rig: Rig,
    request: RecipientMailRequested,
    *,
    recipient_id: UUID | None = None,
    notice_id: UUID | None = None,
    references: tuple[str, ...] | None = None,
) -> RecipientMailSent:
    """What notifications says of a request that it met, or of another mail."""
    return RecipientMailSent(
        recipient_id=recipient_id or request.recipient_id,
        notice_id=notice_id or request.notice_id,
        reminder=0,
        sent_at=rig.clock.now(),
        references=request.references if references is None else references,
    )


async def newest(rig: Rig) -> RecipientMailRequested:
    request = (await rig.published(RecipientMailRequested))[-1]
    assert isinstance(request, RecipientMailRequested)
    return request


async def sent(rig: Rig, event: RecipientMailSent) -> None:
    await rig.deliver(event)
    await rig.work("recipient_has_mail")


async def test_a_recipient_whose_mail_was_sent_has_been_told(open_rig: Rig) -> None:
    subject, request = await asked(open_rig)
    for _ in range(2):
        await sent(open_rig, mailed(open_rig, request))
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_a_mail_that_was_sent_about_less_than_the_notice_is_about_by_now_tells_nobody(open_rig: Rig) -> None:
    employer = Employer(open_rig, mail="personvern@fjell.example")
    subject = await at_telling(open_rig, employer)
    await open_rig.work("tell_all")
    less = await newest(open_rig)
    await open_rig.deliver(employer.received(subject))
    await open_rig.work("tell_recipients")
    await sent(open_rig, mailed(open_rig, less))
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["waiting"]}
    await open_rig.work("tell_all")
    await sent(open_rig, mailed(open_rig, less))
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["chased"]}
    await sent(open_rig, mailed(open_rig, await newest(open_rig)))
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_a_notice_that_grows_between_the_mail_and_its_noting_is_not_noted_as_told(open_rig: Rig) -> None:
    employer = Employer(open_rig, mail="personvern@fjell.example")
    subject = await at_telling(open_rig, employer)
    await open_rig.work("tell_all")
    await open_rig.deliver(mailed(open_rig, await newest(open_rig)))
    await open_rig.deliver(employer.received(subject))
    await open_rig.work("tell_recipients")
    await open_rig.work("tell_all")
    await open_rig.work("recipient_has_mail")
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["chased"]}


async def test_a_mail_to_another_recipient_or_of_no_notice_or_about_nothing_tells_nobody(open_rig: Rig) -> None:
    subject, request = await asked(open_rig)
    await sent(open_rig, mailed(open_rig, request, recipient_id=uuid4()))
    await sent(open_rig, mailed(open_rig, request, notice_id=uuid4()))
    await sent(open_rig, mailed(open_rig, request, references=()))
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["chased"]}
