"""An organisation is told by mail under its references, once for each notice and reminder, and nobody is named."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from chassis.clock import MovedClock
from chassis.service import Service
from chassis.sql import borrow
from contracts.communication import RecipientMailSent
from contracts.rights import NoticeKind, RecipientMailRequested
from notifications_service import recipient_mails

from chassis import outbox

from .rig import do_work, published, say, waiting
from .smtp_server import Catcher


def requested(
    *, kind: NoticeKind = NoticeKind.ERASURE, notice_id: UUID | None = None, reminder: int = 0
) -> RecipientMailRequested:
    return RecipientMailRequested(
        recipient_id=uuid4(),
        notice_id=notice_id or uuid4(),
        mail="personvern@fjell.example",
        kind=kind,
        references=("ref-1", "ref-2"),
        reminder=reminder,
    )


@pytest.mark.parametrize("kind", list(NoticeKind))
async def test_the_mail_names_the_references_and_the_notice(
    service: Service, catcher: Catcher, kind: NoticeKind
) -> None:
    request = requested(kind=kind)
    await say(service, request)
    await do_work(service, "recipient_mail")
    [mail] = catcher.mails
    text = mail.get_content()
    assert mail["To"] == "personvern@fjell.example"
    assert all(part in text for part in ("ref-1", "ref-2", str(request.notice_id)))
    assert "Påminnelse" not in text
    assert await published(service) == ["recipient.mail.sent.v1"]


async def test_a_request_that_comes_again_sends_nothing_and_is_told_again(service: Service, catcher: Catcher) -> None:
    request = requested()
    for _ in range(2):
        await say(service, request)
        await do_work(service, "recipient_mail")
    assert len(catcher.mails) == 1
    assert await published(service) == ["recipient.mail.sent.v1"] * 2


async def test_a_reminder_is_another_mail_and_says_so(service: Service, catcher: Catcher) -> None:
    notice_id = uuid4()
    for reminder in (0, 1):
        await say(service, requested(notice_id=notice_id, reminder=reminder))
        await do_work(service, "recipient_mail")
    first, second = catcher.mails
    assert first["Message-ID"] != second["Message-ID"]
    assert "Påminnelse nr. 1" in second.get_content()


async def test_a_refusal_for_good_tells_nobody_that_it_was_sent_and_can_be_asked_for_anew(
    service: Service, catcher: Catcher
) -> None:
    request = requested()
    catcher.rcpt_answers.append("550 No")
    await say(service, request)
    await do_work(service, "recipient_mail")
    assert await published(service) == []
    assert await waiting(service, "recipient_mail") == 0
    await say(service, request)
    await do_work(service, "recipient_mail")
    assert len(catcher.mails) == 1


async def test_a_server_that_says_later_is_tried_again(service: Service, catcher: Catcher) -> None:
    clock = MovedClock(service.clock.now())
    service.clock = service.database.clock = clock
    await say(service, requested())
    catcher.rcpt_answers.append("451 Later")
    await do_work(service, "recipient_mail")
    assert await waiting(service, "recipient_mail") == 1
    clock.advance(timedelta(seconds=2))
    await do_work(service, "recipient_mail")
    assert len(catcher.mails) == 1


async def test_a_notice_that_is_about_more_by_now_is_sent_anew_and_not_told_of_as_sent(
    service: Service, catcher: Catcher
) -> None:
    request = requested()
    await say(service, request)
    await do_work(service, "recipient_mail")
    await say(service, request.model_copy(update={"references": ("ref-1", "ref-2", "ref-3")}))
    assert await published(service) == ["recipient.mail.sent.v1"]
    await do_work(service, "recipient_mail")
    first, second = catcher.mails
    assert first["Message-ID"] != second["Message-ID"]
    assert "ref-3" in second.get_content()


async def test_what_was_sent_is_told_with_the_references_that_the_mail_named(
    service: Service, catcher: Catcher
) -> None:
    request = requested()
    await say(service, request)
    await do_work(service, "recipient_mail")
    async with borrow(service.database.pool) as connection:
        [row] = await outbox.due(connection, 10)
    assert RecipientMailSent.model_validate_json(row.body).references == ("ref-1", "ref-2")


async def test_a_mail_that_took_the_place_of_one_that_was_being_sent_goes_out_too(
    service: Service, catcher: Catcher
) -> None:
    request = requested()
    await say(service, request)
    async with borrow(service.database.pool) as connection:
        earlier = await recipient_mails.find(connection, request.notice_id, 0)
        assert earlier is not None
    await say(service, request.model_copy(update={"references": ("ref-1", "ref-2", "ref-3")}))
    async with borrow(service.database.pool) as connection:
        await recipient_mails.sent(connection, request.notice_id, 0, earlier.mail_id, service.clock.now())
    await do_work(service, "recipient_mail")
    [mail] = catcher.mails
    assert "ref-3" in mail.get_content()
