"""Every holder has erased the person: they are told, once, at the address that was kept for it (A4)."""

from chassis.clock import new_id
from chassis.transaction import Transaction
from contracts.communication import LastMailOutcome
from contracts.receipts import LastMailRequested

from notifications_service import last_mails
from notifications_service.deliver_last_mail import LAST_MAIL, end_last_mail
from notifications_service.last_mails import LastLetter


async def on_last_mail_requested(event: LastMailRequested, tx: Transaction) -> None:
    """Have the mail delivered; who asks again after it ended is told how it did."""
    subject, erasure_id = event.subject_id, event.erasure_id
    row = await last_mails.find(tx.connection, erasure_id, subject)
    if row is None:
        await last_mails.keep(tx.connection, erasure_id, subject, new_id(tx.clock), None, tx.now())
        await end_last_mail(tx, subject, erasure_id, LastMailOutcome.NO_ADDRESS)
    elif row.outcome is not None:
        await end_last_mail(tx, subject, erasure_id, row.outcome)
    elif event.link.erased or event.recipients.erased:
        await end_last_mail(tx, subject, erasure_id, LastMailOutcome.GAVE_UP)
    elif row.letter is not None and not event.link.reveal():
        # Only a retention service that was restored meanwhile has forgotten the link: what it said before has it.
        tx.enqueue(LAST_MAIL, str(erasure_id), subject=subject)
    else:
        letter = LastLetter(link=event.link, recipients=event.recipients)
        sealed = tx.seal(letter, subject=subject, record_id=erasure_id, schema="last_mails")
        await last_mails.write(tx.connection, erasure_id, sealed, event.give_up_at)
        tx.enqueue(LAST_MAIL, str(erasure_id), subject=subject)
