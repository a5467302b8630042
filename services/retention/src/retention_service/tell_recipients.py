"""Tells everybody who got data of a person that it was erased (GDPR Art. 19), and then goes on to the last mail."""

from typing import Final
from uuid import UUID

from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId

from retention_service import erasures
from retention_service.erasures import Stage
from retention_service.request_last_mail import ask_for_last_mail

TELL_RECIPIENTS: Final = "tell_recipients"


def ask_to_tell(tx: Transaction, erasure_id: UUID, subject: SubjectId) -> None:
    """Have the recipients told by the worker; asking twice does it once."""
    tx.enqueue(TELL_RECIPIENTS, str(erasure_id), subject=subject)


async def tell_recipients(item: WorkItem, tx: Transaction) -> None:
    """The step between the fence and the last mail."""
    erasure = await erasures.find(tx.connection, UUID(item.key))
    if erasure is None or erasure.stage is not Stage.TELLING:
        return
    await erasures.told(tx.connection, erasure.erasure_id, tx.now())
    ask_for_last_mail(tx, erasure.erasure_id, erasure.subject_id)
