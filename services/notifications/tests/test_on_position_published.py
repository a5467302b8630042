"""A published position reaches everybody who asked for such positions, once, and nobody else (P4)."""

from chassis.service import Service

from .rig import Person, count, do_work, known, position, say, say_again, waiting
from .smtp_server import Catcher


async def test_everybody_who_asked_is_told_and_nobody_else(service: Service, catcher: Catcher) -> None:
    one, anywhere, elsewhere = Person(email="en@post.example"), Person(email="to@post.example"), Person()
    await known(service, one, anywhere, elsewhere)
    await say(service, anywhere.wants(place=None), elsewhere.wants(place="Tromsø"), position())
    assert await waiting(service, "job_alert") == 2
    await do_work(service, "job_alert", "mail")
    assert sorted(catcher.recipients) == ["en@post.example", "to@post.example"]


async def test_a_position_that_is_delivered_again_tells_nobody_twice(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    advert = position()
    await say_again(service, advert, times=3)
    await do_work(service, "job_alert", "mail", "job_alert", "mail")
    assert len(catcher.mails) == 1
    assert await count(service, "mails") == 1


async def test_a_position_that_is_published_again_tells_nobody_twice(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    advert = position()
    for _ in range(2):
        await say(service, advert, advert)
        await do_work(service, "job_alert", "mail")
    assert len(catcher.mails) == 1


async def test_a_position_that_nobody_asked_for_makes_no_work(service: Service) -> None:
    await known(service, Person())
    await say(service, position(occupation="rørlegger"))
    assert await waiting(service, "job_alert") == 0
    assert await count(service, "positions") == 1
