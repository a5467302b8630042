"""An erased person is told once more at the address that was kept for it, which is then forgotten, whatever happens."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from chassis.clock import MovedClock
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import surroundings
from contracts.communication import LastMailEnded
from contracts.personal import Category, Personal
from contracts.receipts import LastMailRequested

from chassis import outbox

from .rig import PROFILE_ONLY, Person, do_work, everything_stored, known, say, stands_in, waiting
from .smtp_server import Catcher

LINK = "https://retention.example/receipts/m0steh3mmelig"


@pytest_asyncio.fixture
async def erased(service: Service) -> tuple[Person, UUID]:
    """A person whose holders have all erased, and the erasure."""
    service.clock = MovedClock(service.clock.now())
    service.database.clock = service.clock
    person = Person()
    surroundings(service).keyring.make(person.subject_id, [Category.RIGHTS_CASE])
    await known(service, person)
    request = person.to_be_erased(PROFILE_ONLY)
    await say(service, request)
    return person, request.erasure_id


def asked(person: Person, erasure_id: UUID, service: Service) -> LastMailRequested:
    return LastMailRequested(
        subject_id=person.subject_id,
        erasure_id=erasure_id,
        give_up_at=service.clock.now() + timedelta(hours=48),
        link=Personal(LINK),
        recipients=Personal(("Fjell sykehus: har bekreftet", "Dal kommune: har ikke svart")),
    )


async def ends(service: Service) -> list[str]:
    """How the last mails ended, as they were told of."""
    async with borrow(service.database.pool) as connection:
        rows = await outbox.due(connection, 1_000)
    told = [row.body for row in rows if dict(row.headers)["ce_type"].decode() == LastMailEnded.type]
    return [str(LastMailEnded.model_validate_json(body).outcome) for body in told]


async def test_the_last_mail_has_the_link_and_names_who_was_told(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, erasure_id = erased
    await say(service, asked(person, erasure_id, service))
    await do_work(service, "last_mail")
    [mail] = catcher.mails
    assert mail["To"] == person.email
    text = mail.get_content()
    assert LINK in text
    assert "Fjell sykehus: har bekreftet" in text
    assert "Dal kommune: har ikke svart" in text
    assert await ends(service) == ["sent"]


async def test_nothing_of_the_address_or_the_link_stays_once_it_is_sent(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, erasure_id = erased
    await say(service, asked(person, erasure_id, service))
    await do_work(service, "last_mail")
    async with borrow(service.database.pool) as connection:
        row = await connection.fetchrow("SELECT contact, letter, outcome FROM last_mails")
    assert row is not None
    assert tuple(row) == (None, None, "sent")
    stored = await everything_stored(service)
    assert not any(stands_in(stored, value) for value in (person.email, person.name, LINK))


async def test_the_address_waits_sealed_until_the_mail_is_asked_for(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, _ = erased
    await do_work(service, "last_mail")
    assert catcher.mails == []
    assert not stands_in(await everything_stored(service), person.email)


async def test_a_request_that_comes_again_sends_nothing_and_is_told_the_same_end(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, erasure_id = erased
    for _ in range(2):
        await say(service, asked(person, erasure_id, service))
        await do_work(service, "last_mail")
    assert len(catcher.mails) == 1
    assert await ends(service) == ["sent", "sent"]


async def test_whoever_has_no_address_here_is_said_to_have_none_at_once(service: Service, catcher: Catcher) -> None:
    nobody = Person()
    surroundings(service).keyring.make(nobody.subject_id, list(Category))
    for _ in range(2):
        await say(service, asked(nobody, uuid4(), service))
    await do_work(service, "last_mail")
    assert catcher.mails == []
    assert await ends(service) == ["no_address", "no_address"]


async def test_an_erasure_of_another_person_gets_nobodys_address(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    _, erasure_id = erased
    other = Person()
    surroundings(service).keyring.make(other.subject_id, list(Category))
    await say(service, asked(other, erasure_id, service))
    await do_work(service, "last_mail")
    assert catcher.mails == []


@pytest.mark.parametrize("answer", ["550 gone", "554 not you"])
async def test_a_refusal_for_good_ends_it_and_the_address_is_forgotten(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID], answer: str
) -> None:
    person, erasure_id = erased
    await say(service, asked(person, erasure_id, service))
    catcher.rcpt_answers.append(answer)
    await do_work(service, "last_mail")
    assert catcher.mails == []
    assert await ends(service) == ["gave_up"]
    assert await waiting(service, "last_mail") == 0


async def test_a_server_that_is_away_is_tried_again_and_given_up_after_two_days(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, erasure_id = erased
    assert isinstance(service.clock, MovedClock)
    await say(service, asked(person, erasure_id, service))
    for _ in range(3):
        catcher.rcpt_answers.append("451 later")
        await do_work(service, "last_mail")
        service.clock.advance(timedelta(minutes=16))
    assert await ends(service) == []
    assert await waiting(service, "last_mail") == 1
    service.clock.advance(timedelta(hours=48))
    await do_work(service, "last_mail")
    assert catcher.mails == []
    assert await ends(service) == ["gave_up"]
    async with borrow(service.database.pool) as connection:
        assert await connection.fetchval("SELECT contact IS NULL AND letter IS NULL FROM last_mails")


async def test_once_the_keys_are_destroyed_nothing_is_sent_any_more(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, erasure_id = erased
    await say(service, asked(person, erasure_id, service))
    surroundings(service).keyring.destroy(person.subject_id, [Category.USER_INFORMATION])
    service.keys.drop(person.subject_id, [Category.USER_INFORMATION])
    await do_work(service, "last_mail")
    assert catcher.mails == []
    assert await ends(service) == ["gave_up"]


async def test_the_link_of_the_receipt_survives_a_retention_service_that_forgot_it_in_a_restore(
    service: Service, catcher: Catcher, erased: tuple[Person, UUID]
) -> None:
    person, erasure_id = erased
    first = asked(person, erasure_id, service)
    await say(service, first)
    await say(service, first.model_copy(update={"link": Personal("")}))
    await do_work(service, "last_mail")
    [mail] = catcher.mails
    assert LINK in mail.get_content()
    assert await ends(service) == ["sent"]
