"""Delivers the last mail to an erased person, or gives it up in time; either way the address is forgotten (A4).

It may go out twice, as every mail may (decision 10), under the same Message-ID.
"""

from typing import Final
from uuid import UUID

from chassis.keys import LOG_KEY, KeyName
from chassis.logs import get_logger
from chassis.service import Service
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish, renew
from contracts.communication import LastMailEnded, LastMailOutcome
from contracts.personal import ERASED, Category, SubjectId

from notifications_service import last_mails
from notifications_service.contacts import Contact
from notifications_service.last_mail_text import SUBJECT_LINE, write_last_mail
from notifications_service.last_mails import LastLetter, LastMailRow
from notifications_service.letter import Letter, UnusableAddress, recipient, write_message
from notifications_service.mail_server import MailServer, Refused

LAST_MAIL: Final = "last_mail"
_log = get_logger()


class LastMailDelivery:
    """The errand `last_mail`."""

    def __init__(self, service: Service, server: MailServer, *, sender: str) -> None:
        self._service = service
        self._server = server
        self._sender = sender

    async def deliver(self, item: WorkItem) -> None:
        """Send the mail of the erasure that the item names.

        Raises:
            NotAccepted: the mail server did not take it; the item is done again later, until the time is over.
            LeaseLost: another worker has the item.
        """
        subject = item.subject_id
        if subject is None:
            return
        letter = await self._take(item, subject)
        if letter is None:
            return
        outcome = LastMailOutcome.SENT
        try:
            to = recipient(letter.address)
            message = write_message(letter, to, sender=self._sender, at=self._service.clock.now())
            await self._server.send(message, to)
        except UnusableAddress:
            outcome = LastMailOutcome.NO_ADDRESS
        except Refused:
            outcome = LastMailOutcome.GAVE_UP
        async with self._service.database.transaction([subject], cause=cause_of(item), keys=[LOG_KEY]) as tx:
            await finish(item, tx)
            await end_last_mail(tx, subject, UUID(item.key), outcome)

    async def _take(self, item: WorkItem, subject: SubjectId) -> Letter | None:
        """The mail, opened, for as long as this worker has the item; None when it ended or ends here."""
        erasure_id = UUID(item.key)
        names = [LOG_KEY, KeyName(subject, Category.USER_INFORMATION), KeyName(subject, Category.RIGHTS_CASE)]
        async with self._service.database.transaction([subject], cause=cause_of(item), keys=names) as tx:
            await renew(item, tx)
            row = await last_mails.find(tx.connection, erasure_id, subject)
            letter = None if row is None else _open(row, tx)
            if letter is None:
                await finish(item, tx)
                if row is not None and row.outcome is None:
                    await end_last_mail(tx, subject, erasure_id, LastMailOutcome.GAVE_UP)
        return letter


def _open(row: LastMailRow, tx: Transaction) -> Letter | None:
    """None when its time is over, or a key of it is destroyed."""
    if row.contact is None or row.letter is None or row.give_up_at is None or tx.now() >= row.give_up_at:
        return None
    contact, letter = tx.open(Contact, row.contact), tx.open(LastLetter, row.letter)
    name, email = contact.name.reveal(), contact.email.reveal()
    link, recipients = letter.link.reveal(), letter.recipients.reveal()
    if name is ERASED or email is ERASED or link is ERASED or recipients is ERASED:
        return None
    return Letter(row.mail_id, email, SUBJECT_LINE, write_last_mail(name, link, recipients))


async def end_last_mail(tx: Transaction, subject: SubjectId, erasure_id: UUID, outcome: LastMailOutcome) -> None:
    """Forget the address and say how it ended; nothing of what the mail said is logged."""
    await last_mails.end(tx.connection, erasure_id, outcome, tx.now())
    tx.publish(LastMailEnded(subject_id=subject, erasure_id=erasure_id, outcome=outcome, ended_at=tx.now()))
    _log.info("last_mail.ended", outcome=outcome)
