"""A mail to an organisation is kept as long as it could be asked for again, and then forgotten."""

from datetime import timedelta

from chassis.clock import MovedClock
from chassis.service import Service
from chassis.sql import borrow
from notifications_service import recipient_mails
from notifications_service.sweep_recipient_mails import KEPT

from .rig import do_work, say
from .smtp_server import Catcher
from .test_on_recipient_mail_requested import requested


async def test_a_mail_is_sent_once_within_its_window_and_forgotten_after_it(service: Service, catcher: Catcher) -> None:
    clock = MovedClock(service.clock.now())
    service.clock = service.database.clock = clock
    request, other = requested(), requested()
    await say(service, request)
    await do_work(service, "recipient_mail")
    clock.advance(KEPT - timedelta(days=1))
    await say(service, other)
    for _ in range(2):
        await do_work(service, "recipient_mail_sweep")
        await say(service, request)
        await do_work(service, "recipient_mail")
    assert len(catcher.mails) == 2, "each once"
    clock.advance(timedelta(days=2))
    await do_work(service, "recipient_mail_sweep")
    async with borrow(service.database.pool) as connection:
        assert await recipient_mails.find(connection, request.notice_id, 0) is None
        assert await recipient_mails.find(connection, other.notice_id, 0) is not None
