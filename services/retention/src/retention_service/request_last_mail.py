"""Has the person told for the last time: notifications keeps the address until then, sends, and says how it ended.

It is asked again with growing delays while it says nothing, and given up by itself: no erasure hangs on a mail.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from chassis.keys import LOG_KEY, KeyName
from chassis.logs import get_logger
from chassis.service import Service
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish
from contracts.communication import LastMailOutcome
from contracts.personal import Category, Personal, SubjectId
from contracts.receipts import LastMailRequested

from chassis import work
from retention_service import erasures, notices, recipients
from retention_service.destroy_keys import ask_to_destroy
from retention_service.erasures import Erasure, Stage
from retention_service.settings import RetentionSettings
from retention_service.told_words import told_words

LAST_MAIL: Final = "last_mail"
GIVE_UP_AFTER: Final = timedelta(hours=48)
"""How long notifications tries to send the mail."""
SILENT_FOR: Final = timedelta(hours=24)
"""How much longer it may say nothing, before the erasure goes on without it."""
_log = get_logger()


def ask_for_last_mail(tx: Transaction, erasure_id: UUID, subject: SubjectId) -> None:
    """Have the mail asked for by the worker."""
    tx.enqueue(LAST_MAIL, str(erasure_id), subject=subject)


class LastMail:
    """The errand `last_mail`: it comes again until the mail has ended."""

    def __init__(self, service: Service, settings: RetentionSettings) -> None:
        self._service = service
        self._first_wait = settings.ask_again_after
        self._links = f"{str(settings.public_url).rstrip('/')}/receipts/"

    async def request(self, item: WorkItem) -> None:
        """Ask for the mail, or end the wait for it."""
        subject = item.subject_id
        if subject is None:
            return
        # sealed for the person, whose keys are fetched before the transaction
        names = [LOG_KEY, KeyName(subject, Category.RIGHTS_CASE)]
        async with self._service.database.transaction([subject], cause=cause_of(item), keys=names) as tx:
            await finish(item, tx)
            erasure = await erasures.find(tx.connection, UUID(item.key))
            if erasure is not None and erasure.stage is Stage.MAILING:
                await self._ask_or_go_on(tx, erasure)

    async def _ask_or_go_on(self, tx: Transaction, erasure: Erasure) -> None:
        since = erasure.told_at or tx.now()
        waited = tx.now() - since
        if tx.keys.find(KeyName(erasure.subject_id, Category.RIGHTS_CASE)) is None:
            _log.error("last_mail.no_key", cure="the person has no rights_case key: nothing can be sealed for them")
            await last_mail_ended(tx, erasure, LastMailOutcome.NO_ADDRESS)
        elif waited >= GIVE_UP_AFTER + SILENT_FOR:
            _log.error("last_mail.unanswered", cure="notifications did not say how the last mail ended: see its work")
            await last_mail_ended(tx, erasure, LastMailOutcome.GAVE_UP)
        else:
            tx.publish(
                LastMailRequested(
                    subject_id=erasure.subject_id,
                    erasure_id=erasure.erasure_id,
                    give_up_at=since + GIVE_UP_AFTER,
                    link=Personal(self._link(erasure)),
                    recipients=Personal(await _told(tx, erasure.erasure_id)),
                )
            )
            again = min(max(waited, self._first_wait), GIVE_UP_AFTER + SILENT_FOR - waited)
            tx.enqueue(LAST_MAIL, str(erasure.erasure_id), subject=erasure.subject_id, due_at=tx.now() + again)

    def _link(self, erasure: Erasure) -> str:
        """Where the receipt is served once the keys are destroyed; erasures older than receipts have none."""
        return f"{self._links}{erasure.receipt}" if erasure.receipt is not None else ""


async def _told(tx: Transaction, erasure_id: UUID) -> tuple[str, ...]:
    """Who was told of the erasure, by name (CJEU C-154/21)."""
    told = await notices.of_occasion(tx.connection, erasure_id)
    return told_words(told, await recipients.find(tx.connection, [one.recipient_id for one in told]))


async def last_mail_ended(tx: Transaction, erasure: Erasure, outcome: LastMailOutcome) -> None:
    """Go on to the keys. The transaction is about the person, and the erasure stands at mailing."""
    await erasures.mailed(tx.connection, erasure.erasure_id, outcome, tx.now())
    await work.cancel(tx.connection, LAST_MAIL, str(erasure.erasure_id))
    ask_to_destroy(tx, erasure.erasure_id, erasure.subject_id)
    _log.info("erasure.mailed", outcome=outcome)
