"""A mail is sent once, to whom it may be sent, and its outcome is on record."""

import asyncio
from uuid import uuid4

import pytest
from chassis.service import Service
from chassis.sql import borrow
from chassis.work_loop import LEASE, LeaseLost

from chassis import work

from .rig import EVERYTHING, PROFILE_ONLY, Person, do_work, known, position, published, say, states, waiting
from .smtp_server import Catcher


async def alerted(service: Service, *people: Person) -> None:
    """These people have a mail that waits."""
    await known(service, *people)
    await say(service, position())
    await do_work(service, "job_alert")


async def test_a_sent_mail_is_on_record_and_told_of(service: Service, catcher: Catcher) -> None:
    person = Person()
    await alerted(service, person)
    await do_work(service, "mail")
    [mail] = catcher.mails
    assert mail["To"] == person.email
    assert mail["Subject"] == "Ny stilling: Sykepleier, natt hos Fjell sykehus"
    assert person.name in mail.get_content()
    assert await states(service) == [("sent", None)]
    assert await published(service) == ["message.sent.v1"]
    assert await waiting(service, "mail") == 0


async def test_a_sent_mail_is_not_sent_again(service: Service, catcher: Catcher) -> None:
    await alerted(service, Person())
    await do_work(service, "mail", "mail", "mail")
    assert len(catcher.mails) == 1


async def test_a_refused_mail_is_on_record_with_its_code_and_not_tried_again(
    service: Service, catcher: Catcher
) -> None:
    await alerted(service, Person())
    catcher.rcpt_answers.append("550 kari.skogheim@post.example does not live here")
    await do_work(service, "mail", "mail")
    assert catcher.mails == []
    assert await states(service) == [("failed", 550)]
    assert await published(service) == []
    assert await waiting(service, "mail") == 0


async def test_an_address_that_is_none_is_refused_like_by_a_server(service: Service, catcher: Catcher) -> None:
    await alerted(service, Person(email="kari@post.example\r\nBcc: ola@post.example"))
    await do_work(service, "mail")
    assert catcher.mails == []
    assert await states(service) == [("failed", 553)]


async def test_a_mail_is_tried_again_when_the_server_says_later(service: Service, catcher: Catcher) -> None:
    await alerted(service, Person())
    catcher.rcpt_answers.append("451 Later")
    await do_work(service, "mail")
    assert await states(service) == [("waiting", None)]
    await asyncio.sleep(1.1)
    await do_work(service, "mail")
    assert len(catcher.mails) == 1
    assert await states(service) == [("sent", None)]


async def test_a_mail_sent_again_after_a_cut_is_known_by_its_message_id_and_told_of_once(
    service: Service, catcher: Catcher
) -> None:
    await alerted(service, Person())
    catcher.cut_after_data = 1
    await do_work(service, "mail")
    assert await published(service) == []
    await asyncio.sleep(1.1)
    await do_work(service, "mail")
    first, second = catcher.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert await published(service) == ["message.sent.v1"]


async def test_a_restricted_persons_mail_that_waited_is_dropped(service: Service, catcher: Catcher) -> None:
    person = Person()
    await alerted(service, person)
    await say(service, person.asks_for_deletion())
    await do_work(service, "mail")
    assert catcher.mails == []
    assert await states(service) == [("dropped", None)]


async def test_a_mail_whose_profile_was_erased_is_dropped_and_stays_on_record(
    service: Service, catcher: Catcher
) -> None:
    person = Person()
    await alerted(service, person)
    await say(service, person.to_be_erased(PROFILE_ONLY))
    await do_work(service, "mail")
    assert catcher.mails == []
    assert await states(service) == [("dropped", None)]
    assert await waiting(service, "mail") == 0


async def test_an_erasure_while_the_mail_is_under_way_leaves_nothing_of_it(service: Service, catcher: Catcher) -> None:
    person = Person()
    await alerted(service, person)

    async def erase() -> None:
        await say(service, person.to_be_erased(EVERYTHING))

    catcher.during_data = erase
    await do_work(service, "mail")
    assert len(catcher.mails) == 1  # it had left the house
    assert await states(service) == []
    assert await published(service) == ["personal.data.erased.v1"]


async def test_a_worker_that_wakes_without_its_lease_sends_nothing(service: Service, catcher: Catcher) -> None:
    await alerted(service, Person())
    [declared] = [kind for kind in service.work_kinds if kind.kind == "mail"]
    assert declared.errand is not None
    now = service.clock.now()
    async with borrow(service.database.pool) as connection:
        [frozen] = await work.claim(connection, "mail", lease=uuid4(), now=now, lease_time=LEASE, limit=1)
        [taken] = await work.claim(connection, "mail", lease=uuid4(), now=now + LEASE, lease_time=LEASE, limit=1)
    with pytest.raises(LeaseLost):
        await declared.errand(frozen)
    assert catcher.mails == []
    await declared.errand(taken)
    assert len(catcher.mails) == 1
