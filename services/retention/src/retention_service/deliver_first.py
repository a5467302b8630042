"""An erasure waits for the copy that its person asked for before: nothing of it is asked of holders until then (trap 49).

It waits for 7 days at most, because every export ends by itself, and only for those that were open when it was
requested: nobody holds an erasure up by opening more, and what was opened later dies with the person's keys.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from chassis.logs import get_logger
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId

from retention_service import erasures, exports
from retention_service.ask_holders import Asking, ask_all
from retention_service.erasures import Erasure, Stage

ASK_AFTER_DELIVERY: Final = "ask_after_delivery"
_log = get_logger()


async def ask_or_wait(tx: Transaction, erasure: Erasure, asking: Asking) -> None:
    """Ask every holder now, unless a copy waits for the person."""
    if await exports.are_open(tx.connection, erasure.subject_id, erasure.requested_at):
        await erasures.wait_for_delivery(tx.connection, erasure.erasure_id)
        _log.info("erasure.waits_for_an_export")
        return
    await ask_all(tx, erasure, asking)


async def export_ended(tx: Transaction, subject: SubjectId) -> None:
    """Let the person's erasure go on, if it waits for nothing else."""
    erasure = await erasures.open_of(tx.connection, subject)
    if erasure is None or erasure.stage is not Stage.DELIVERING:
        return
    if not await exports.are_open(tx.connection, subject, erasure.requested_at):
        tx.enqueue(ASK_AFTER_DELIVERY, str(erasure.erasure_id), subject=subject)


def ask_after_delivery(asking: Asking) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step that begins to ask, once the copy was fetched or has expired."""

    async def ask_after_delivery(item: WorkItem, tx: Transaction) -> None:
        erasure = await erasures.find(tx.connection, UUID(item.key))
        if erasure is None or erasure.stage is not Stage.DELIVERING:
            return
        await erasures.delivered(tx.connection, erasure.erasure_id)
        await ask_all(tx, erasure, asking)

    return ask_after_delivery
