"""Finds who is to be told what became of a person's data (GDPR Art. 19), and has them told, each once.

Telling is required, their answer is chased but not waited for: an erasure goes on to the last mail once each was written
to, or a first try failed and the next is arranged.
"""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import Category, SubjectId
from contracts.rights import NoticeKind

from retention_service import disclosures, erasures, notices
from retention_service.attest_erasure import ask_to_attest
from retention_service.erasures import Stage
from retention_service.request_last_mail import ask_for_last_mail

TELL_RECIPIENTS: Final = "tell_recipients"
TELL_ALL: Final = "tell_all"
TOLD_IN: Final = frozenset({Stage.TELLING, Stage.MAILING, Stage.DESTROYING, Stage.DONE})
"""The stages from which on a disclosure is told of at once: before them it waits for the fence, as all others."""


def ask_to_tell(tx: Transaction, erasure_id: UUID, subject: SubjectId) -> None:
    """Have the recipients told by the worker; asking twice does it once."""
    tx.enqueue(TELL_RECIPIENTS, str(erasure_id), subject=subject)


async def tell_recipients(item: WorkItem, tx: Transaction) -> None:
    """The step between the fence and the last mail; after it, for what was disclosed and came to light late."""
    erasure = await erasures.find(tx.connection, UUID(item.key))
    if erasure is None or erasure.stage not in TOLD_IN:
        return
    await make_notices(tx, erasure.subject_id, erasure.erasure_id, NoticeKind.ERASURE, erasure.categories)
    await go_on_or_tell(tx, erasure.erasure_id, erasure.subject_id)


async def make_notices(
    tx: Transaction, subject: SubjectId, occasion_id: UUID, kind: NoticeKind, categories: Collection[Category]
) -> None:
    """One notice for each recipient of these categories. The transaction is about the person."""
    references = await disclosures.references(tx.connection, subject, categories)
    ids = [new_id(tx.clock) for _ in references]
    await notices.make(tx.connection, subject, occasion_id, kind, references, ids=ids, at=tx.now())


async def go_on_or_tell(tx: Transaction, occasion_id: UUID, subject: SubjectId) -> None:
    """Write to those whom nobody has tried to tell; when there is none left an erasure goes on.

    One that is done already has told somebody who came to light late: its receipt counts them too.
    """
    if await notices.waiting(tx.connection, occasion_id, 1):
        tx.enqueue(TELL_ALL, str(occasion_id), subject=subject)
        return
    erasure = await erasures.find(tx.connection, occasion_id)
    if erasure is not None and erasure.stage is Stage.TELLING:
        await erasures.told(tx.connection, occasion_id, tx.now())
        ask_for_last_mail(tx, occasion_id, subject)
    elif erasure is not None and erasure.stage is Stage.DONE:
        ask_to_attest(tx, occasion_id, subject)
