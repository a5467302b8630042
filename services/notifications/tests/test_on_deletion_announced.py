"""Who asked to be deleted is told by mail how to take it back, though restricted, and is told nothing else."""

from datetime import timedelta

from chassis.service import Service
from contracts.personal import Category, Personal
from contracts.profile import DeletionAnnounced

from .rig import AT, EVERYTHING, Person, do_work, everything_stored, known, position, published, say, stands_in, states
from .smtp_server import Catcher


def announced(person: Person, token: str = "et-hemmelig-tegn") -> DeletionAnnounced:
    return DeletionAnnounced(
        subject_id=person.subject_id, final_at=AT + timedelta(hours=72), cancel_token=Personal(token)
    )


async def test_the_mail_has_the_link_and_the_time_in_oslo(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.asks_for_deletion(), announced(person))
    await do_work(service, "mail")
    [mail] = catcher.mails
    assert mail["To"] == person.email
    assert "https://portal.example/cancel-deletion/et-hemmelig-tegn" in mail.get_content()
    assert "05.01.2026 klokken 09:00" in mail.get_content()
    assert await published(service) == ["message.sent.v1"]


async def test_no_other_mail_goes_to_who_is_restricted(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, position())
    await do_work(service, "job_alert")
    await say(service, person.asks_for_deletion(), announced(person))
    await do_work(service, "mail")
    assert [mail["Subject"] for mail in catcher.mails] == ["Profilen din blir slettet"]
    assert sorted(await states(service)) == [("dropped", None), ("sent", None)]


async def test_an_announcement_that_waits_when_the_person_is_erased_is_not_sent(
    service: Service, catcher: Catcher
) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.asks_for_deletion(), announced(person))
    await say(service, person.to_be_erased(frozenset({Category.USER_INFORMATION})))
    await do_work(service, "mail")
    assert catcher.mails == []


async def test_nobody_whose_mails_are_erased_is_announced_anything(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.to_be_erased(EVERYTHING), announced(person))
    await do_work(service, "mail")
    assert catcher.mails == []


async def test_the_token_is_stored_sealed_only(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, announced(person))
    assert not stands_in(await everything_stored(service), "et-hemmelig-tegn")
