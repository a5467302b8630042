"""A person asked to be deleted: they are told by mail, with a link that takes it back until it is final (A4).

The person is restricted by now; this mail is what the request itself needs (A5), and the only one.
"""

from chassis.clock import new_id
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.communication import MessageKind
from contracts.personal import ERASED, Category
from contracts.profile import DeletionAnnounced

from notifications_service import contacts, mails
from notifications_service.contacts import Contact
from notifications_service.deletion_mail import write_deletion_mail
from notifications_service.send_job_alert import MAIL


def on_deletion_announced(portal_url: str) -> Single[DeletionAnnounced]:
    """The reaction, with where the link leads."""

    async def on_deletion_announced(event: DeletionAnnounced, tx: Transaction) -> None:
        subject, token = event.subject_id, event.cancel_token.reveal()
        sealed = await contacts.find(tx.connection, subject)
        if sealed is None or token is ERASED or tx.state(subject).is_erased(Category.COMMUNICATION):
            return
        contact = tx.open(Contact, sealed)
        name, email = contact.name.reveal(), contact.email.reveal()
        if name is ERASED or email is ERASED:
            return
        mail_id = new_id(tx.clock)
        mail = write_deletion_mail(name, email, event.final_at, f"{portal_url.rstrip('/')}/cancel-deletion/{token}")
        blob = tx.seal(mail, subject=subject, record_id=mail_id, schema="mails")
        await mails.add(tx.connection, mail_id, subject, MessageKind.DELETION_ANNOUNCED, blob, tx.now())
        tx.enqueue(MAIL, str(mail_id), subject=subject)

    return on_deletion_announced
