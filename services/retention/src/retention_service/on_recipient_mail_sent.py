"""A mail to a recipient was sent: a notice that is about no more than it named is noted, under its person's lock."""

from chassis.transaction import Transaction
from contracts.communication import RecipientMailSent

from retention_service import notices
from retention_service.write_to_recipients import note_mail


async def on_recipient_mail_sent(event: RecipientMailSent, tx: Transaction) -> None:
    notice = await notices.find(tx.connection, event.notice_id)
    if notice is None or notice.recipient_id != event.recipient_id:
        return
    if set(notice.references) <= set(event.references):
        note_mail(tx, notice)
