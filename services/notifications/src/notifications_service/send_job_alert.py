"""Tells one person of one position: looks again whether they still want to know, writes the mail, has it delivered."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.communication import MessageKind
from contracts.personal import ERASED, Category, SubjectId

from notifications_service import contacts, interest_search, mails, positions
from notifications_service.contacts import Contact
from notifications_service.job_alert_mail import write_job_alert

JOB_ALERT: Final = "job_alert"
MAIL: Final = "mail"


@dataclass(frozen=True, slots=True)
class JobAlert:
    """One person is to be told of one position, once."""

    position_id: UUID
    subject_id: SubjectId

    @classmethod
    def of(cls, item: WorkItem) -> "JobAlert":
        position, _, subject = item.key.partition(":")
        return cls(UUID(position), SubjectId(UUID(subject)))

    def enqueue(self, tx: Transaction) -> None:
        tx.enqueue(JOB_ALERT, f"{self.position_id}:{self.subject_id}", subject=self.subject_id)


async def send_job_alert(item: WorkItem, tx: Transaction, *, portal_url: str) -> None:
    """A mail in the log and an errand that delivers it; nothing when the interest or the position is gone."""
    alert = JobAlert.of(item)
    subject = alert.subject_id
    position = await positions.find_open(tx.connection, alert.position_id, tx.now())
    if position is None or tx.state(subject).is_erased(Category.COMMUNICATION):
        return
    occupation, place = position.compared_occupation, position.compared_place
    if not await interest_search.is_interested(tx.connection, subject, occupation, place):
        return
    sealed = await contacts.find(tx.connection, subject)
    if sealed is None:
        return
    contact = tx.open(Contact, sealed)
    name, email = contact.name.reveal(), contact.email.reveal()
    if name is ERASED or email is ERASED:
        return
    mail_id = new_id(tx.clock)
    mail = write_job_alert(name, email, position, portal_url)
    blob = tx.seal(mail, subject=subject, record_id=mail_id, schema="mails")
    await mails.add(tx.connection, mail_id, subject, MessageKind.JOB_ALERT, blob, tx.now())
    tx.enqueue(MAIL, str(mail_id), subject=subject)
