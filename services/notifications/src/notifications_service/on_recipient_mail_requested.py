"""A recipient without a webhook is told by mail what became of data that it received (GDPR Art. 19)."""

from chassis.clock import new_id
from chassis.transaction import Transaction
from contracts.communication import RecipientMailSent
from contracts.rights import RecipientMailRequested

from notifications_service import recipient_mails
from notifications_service.deliver_recipient_mail import RECIPIENT_MAIL


async def on_recipient_mail_requested(event: RecipientMailRequested, tx: Transaction) -> None:
    """Have it delivered; who asks again after it went out is told that it did."""
    await recipient_mails.add(tx.connection, event, new_id(tx.clock), tx.now())
    known = await recipient_mails.find(tx.connection, event.notice_id, event.reminder)
    if known is None or known.sent_at is None:
        tx.enqueue(RECIPIENT_MAIL, f"{event.notice_id}:{event.reminder}")
        return
    tx.publish(
        RecipientMailSent(
            recipient_id=known.recipient_id,
            notice_id=event.notice_id,
            reminder=event.reminder,
            sent_at=known.sent_at,
            references=known.references,
        )
    )
