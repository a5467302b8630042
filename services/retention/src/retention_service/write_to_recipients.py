"""Writes to recipients, many of one person at once, and to each again that does not have it or does not answer.

The network is asked outside any transaction; a process that ends in between tells them again, under the same notice id.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from chassis.keys import LOG_KEY
from chassis.logs import get_logger
from chassis.service import Service
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish, renew
from contracts.personal import SubjectId
from contracts.rights import RecipientMailRequested
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis import work
from retention_service import notices, recipients
from retention_service.chasing import Next, Try, after_told, after_try, given_up, reminder
from retention_service.notices import Notice, NoticeState
from retention_service.send_notice import Sending, Webhooks
from retention_service.settings import RetentionSettings
from retention_service.tell_recipients import TELL_ALL, go_on_or_tell

TELL_AGAIN: Final = "tell_again"
RECIPIENT_HAS_MAIL: Final = "recipient_has_mail"
_TOGETHER: Final = 200
"""Recipients of one person that are told in one run."""
_log = get_logger()


class Telling:
    """The errands `tell_all`, of one occasion, and `tell_again`, of one notice."""

    def __init__(self, service: Service, settings: RetentionSettings) -> None:
        self._service = service
        self._webhooks = Webhooks(str(settings.public_url), private=settings.webhooks_to_private)

    async def tell_all(self, item: WorkItem) -> None:
        """Write to those of an occasion whom nobody has tried to tell yet."""
        if item.subject_id is None:
            return
        async with self._service.database.transaction([item.subject_id], cause=cause_of(item), keys=()) as tx:
            await renew(item, tx)
            found = await notices.waiting(tx.connection, UUID(item.key), _TOGETHER)
            sendings = await _addressed(tx, found)
        await self._tell(item, item.subject_id, sendings, tx.signing_key)

    async def tell_again(self, item: WorkItem) -> None:
        """Try once more, remind, or say that they do not answer."""
        if item.subject_id is None:
            return
        async with self._service.database.transaction([item.subject_id], cause=cause_of(item), keys=()) as tx:
            await renew(item, tx)
            notice = await notices.find(tx.connection, UUID(item.key))
            if notice is None or not await _still_chased(tx, notice):
                await finish(item, tx)
                return
            sendings = await _addressed(tx, [notice])
        await self._tell(item, item.subject_id, sendings, tx.signing_key)

    async def _tell(
        self, item: WorkItem, subject: SubjectId, sendings: Sequence[Sending], key: Ed25519PrivateKey
    ) -> None:
        outcomes = await self._webhooks.tell(sendings, key, self._service.clock.now())
        async with self._service.database.transaction([subject], cause=cause_of(item), keys=[LOG_KEY]) as tx:
            await finish(item, tx)
            same = await notices.unchanged(tx.connection, [sending.notice for sending in sendings])
            counted = [Sending(same[read.notice_id], to) for read, to in sendings if read.notice_id in same]
            steps = [after_try(notice, outcomes[notice.notice_id], to, tx.now()) for notice, to in counted]
            await notices.tried(tx.connection, [step.notice for step in steps], tx.now())
            for step in steps:
                await _look_again(tx, step)
            _ask_for_mails(tx, [one for one in counted if outcomes[one.notice.notice_id] is Try.HANDED_ON])
            if item.kind == TELL_ALL:
                await go_on_or_tell(tx, UUID(item.key), subject)
        failed = sum(outcome is Try.FAILED for outcome in outcomes.values())
        _log.info("recipients.written_to", reached=len(outcomes) - failed, failed=failed)


def note_mail(tx: Transaction, notice: Notice) -> None:
    """Have it noted that the recipient was told by mail of all that the notice is about now: it only ever grows."""
    key = f"{notice.notice_id}:{len(notice.references)}"
    tx.enqueue(RECIPIENT_HAS_MAIL, key, subject=notice.subject_id)


async def recipient_has_mail(item: WorkItem, tx: Transaction) -> None:
    """The step after a mail went out to a recipient: it has the notice, unless that is about more since."""
    notice_id, _, told_of = item.key.partition(":")
    notice = await notices.find(tx.connection, UUID(notice_id))
    if notice is None or notice.told_at is not None or len(notice.references) > int(told_of or 0):
        return
    [(_, recipient)] = await _addressed(tx, [notice])
    step = after_told(notice, recipient, tx.now())
    await notices.tried(tx.connection, [step.notice], tx.now())
    await _look_again(tx, step)


async def _look_again(tx: Transaction, step: Next) -> None:
    await work.cancel(tx.connection, TELL_AGAIN, str(step.notice.notice_id))
    if step.due_at is not None:
        tx.enqueue(TELL_AGAIN, str(step.notice.notice_id), subject=step.notice.subject_id, due_at=step.due_at)


async def _still_chased(tx: Transaction, notice: Notice) -> bool:
    if notice.state in (NoticeState.ACKNOWLEDGED, NoticeState.UNRESPONSIVE):
        return False
    if await notices.told_of_erasure(tx.connection, notice, tx.now()):
        return False
    if not given_up(notice, tx.now()):
        return True
    await notices.unresponsive(tx.connection, notice.notice_id)
    _log.error("recipient.unresponsive", recipient=notice.recipient_id, notice=notice.notice_id)
    return False


async def _addressed(tx: Transaction, found: Sequence[Notice]) -> list[Sending]:
    known = await recipients.find(tx.connection, [notice.recipient_id for notice in found])
    return [Sending(notice, known.get(notice.recipient_id)) for notice in found]


def _ask_for_mails(tx: Transaction, sendings: Sequence[Sending]) -> None:
    for notice, recipient in sendings:
        if recipient is not None and recipient.mail is not None:
            tx.publish(
                RecipientMailRequested(
                    recipient_id=recipient.recipient_id,
                    notice_id=notice.notice_id,
                    mail=recipient.mail,
                    kind=notice.kind,
                    references=notice.references,
                    reminder=reminder(notice),
                )
            )
