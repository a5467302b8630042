"""Of a closed position nobody is told any more, whatever waited."""

from chassis.service import Service

from .rig import AT, Person, closed, count, do_work, known, position, published, say, states
from .smtp_server import Catcher


async def test_alerts_that_were_not_written_yet_are_dropped(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    advert = position()
    await say(service, advert, closed(advert))
    await do_work(service, "job_alert", "mail")
    assert catcher.mails == []
    assert await count(service, "mails") == 0


async def test_a_mail_that_was_not_sent_yet_is_dropped(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    advert = position()
    await say(service, advert)
    await do_work(service, "job_alert")
    await say(service, closed(advert))
    await do_work(service, "mail")
    assert catcher.mails == []
    assert await states(service) == [("dropped", None)]
    assert "message.sent.v1" not in await published(service)


async def test_an_expired_position_is_as_good_as_closed(service: Service, catcher: Catcher) -> None:
    await known(service, Person())
    await say(service, position(expires_at=AT))
    await do_work(service, "job_alert", "mail")
    assert catcher.mails == []


async def test_closing_a_position_that_is_not_known_changes_nothing(service: Service) -> None:
    await say(service, closed(position()))
    assert await count(service, "positions") == 0
    assert await count(service, "parked") == 0
