"""After a correction a person is reached at the new address, never at the old one (A3)."""

from chassis.service import Service

from .rig import Person, count, do_work, known, position, say
from .smtp_server import Catcher


async def test_the_next_mail_goes_to_the_corrected_address(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.corrected(email="ny.adresse@post.example"), position())
    await do_work(service, "job_alert", "mail")
    assert catcher.recipients == ["ny.adresse@post.example"]


async def test_a_restricted_person_is_still_corrected(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.asks_for_deletion(), person.corrected(email="ny.adresse@post.example"))
    assert await count(service, "contacts") == 1
    assert await count(service, "parked") == 0


async def test_a_late_correction_of_an_erased_person_keeps_nothing(service: Service) -> None:
    person = Person()
    await known(service, person)
    await say(service, person.to_be_erased(), person.corrected(email="ny.adresse@post.example"))
    assert await count(service, "contacts") == 0
