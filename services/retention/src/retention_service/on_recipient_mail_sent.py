"""Notifications has sent a mail to a recipient: the notice is noted as told, under its person's lock."""

from chassis.transaction import Transaction
from contracts.communication import RecipientMailSent

from retention_service import notices
from retention_service.write_to_recipients import RECIPIENT_HAS_MAIL


async def on_recipient_mail_sent(event: RecipientMailSent, tx: Transaction) -> None:
    notice = await notices.find(tx.connection, event.notice_id)
    if notice is not None and notice.recipient_id == event.recipient_id:
        tx.enqueue(RECIPIENT_HAS_MAIL, str(notice.notice_id), subject=notice.subject_id)
