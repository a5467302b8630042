"""Delivers a mail to an organisation that received data of a person. It names nobody: it says under which references."""

from typing import Final
from uuid import UUID

from chassis.keys import LOG_KEY
from chassis.logs import get_logger
from chassis.service import Service
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish, renew
from contracts.communication import RecipientMailSent

from notifications_service import recipient_mails
from notifications_service.letter import Letter, UnusableAddress, recipient, write_message
from notifications_service.mail_server import MailServer, Refused
from notifications_service.recipient_mail_text import SUBJECT_LINES, write_recipient_mail

RECIPIENT_MAIL: Final = "recipient_mail"
_log = get_logger()


class RecipientMailDelivery:
    """The errand `recipient_mail`."""

    def __init__(self, service: Service, server: MailServer, *, sender: str) -> None:
        self._service = service
        self._server = server
        self._sender = sender

    async def deliver(self, item: WorkItem) -> None:
        """Send it. A refusal for good is logged; retention asks again, and shows the recipient as unresponsive in time.

        Raises:
            NotAccepted: the mail server did not take it; the item is done again later.
        """
        notice, _, number = item.key.partition(":")
        notice_id, reminder = UUID(notice), int(number)
        async with self._service.database.transaction(cause=cause_of(item), keys=()) as tx:
            await renew(item, tx)
            found = await recipient_mails.find(tx.connection, notice_id, reminder)
            if found is None or found.sent_at is not None:
                await finish(item, tx)
                return
        try:
            to = recipient(found.mail)
            text = write_recipient_mail(found.kind, found.references, notice_id, reminder=reminder)
            letter = Letter(found.mail_id, found.mail, SUBJECT_LINES[found.kind], text)
            await self._server.send(write_message(letter, to, sender=self._sender, at=self._service.clock.now()), to)
        except (UnusableAddress, Refused) as refusal:
            _log.error("recipient_mail.refused", recipient=found.recipient_id, error=type(refusal).__name__)
            async with self._service.database.transaction(cause=cause_of(item), keys=()) as tx:
                await finish(item, tx)
            return
        async with self._service.database.transaction(cause=cause_of(item), keys=[LOG_KEY]) as tx:
            await finish(item, tx)
            await recipient_mails.sent(tx.connection, notice_id, reminder, found.mail_id, tx.now())
            tx.publish(
                RecipientMailSent(
                    recipient_id=found.recipient_id,
                    notice_id=notice_id,
                    reminder=reminder,
                    sent_at=tx.now(),
                    references=found.references,
                )
            )
