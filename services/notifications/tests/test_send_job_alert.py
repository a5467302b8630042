"""An alert is written under the person's lock, sealed, and only for somebody who may be written to."""

from chassis.service import Service

from .rig import Person, count, do_work, everything_stored, known, position, say, stands_in, states, waiting
from .smtp_server import Catcher


async def test_a_mail_in_the_log_can_be_read_by_nobody_without_its_key(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, position())
    await do_work(service, "job_alert")
    assert await states(service) == [("waiting", None)]
    stored = await everything_stored(service)
    for value in (person.name, "Skogheim", person.email, "Hvorfor får du"):
        assert not stands_in(stored, value)


async def test_a_restricted_person_gets_no_mail(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, position(), person.asks_for_deletion())
    await do_work(service, "job_alert", "mail")
    assert catcher.mails == []
    assert await count(service, "mails") == 0
    assert await waiting(service, "job_alert") == 0


async def test_an_erased_person_gets_no_mail_of_a_position_published_before(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, position(), person.to_be_erased())
    assert await waiting(service, "job_alert") == 0
    await do_work(service, "job_alert", "mail")
    assert catcher.mails == []


async def test_a_person_whose_key_is_gone_gets_no_mail_and_holds_up_nobody(service: Service, catcher: Catcher) -> None:
    gone, there = Person(), Person(email="ola@post.example")
    await known(service, gone, there)
    service.keys.drop(gone.subject_id, ["user_information"])
    await say(service, position())
    await do_work(service, "job_alert", "mail")
    assert catcher.recipients == ["ola@post.example"]
    assert await waiting(service, "job_alert") == 0
