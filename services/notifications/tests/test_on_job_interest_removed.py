"""Whoever no longer wants to be told is not told, even of a position that was published before (A10)."""

from chassis.service import Service

from .rig import Person, count, do_work, known, position, say, waiting
from .smtp_server import Catcher


async def test_an_interest_removed_before_the_alert_ran_sends_no_mail(service: Service, catcher: Catcher) -> None:
    person = Person()
    await known(service, person)
    await say(service, position(), person.wants_no_more())
    await do_work(service, "job_alert", "mail")
    assert catcher.mails == []
    assert await waiting(service, "job_alert") == 0
    assert await count(service, "mails") == 0


async def test_one_persons_removal_leaves_anothers_interest(service: Service) -> None:
    owner, other = Person(), Person()
    await known(service, owner, other)
    other.interest_id = owner.interest_id
    await say(service, other.wants_no_more())
    assert await count(service, "interests") == 2
