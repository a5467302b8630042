"""Destroys an erased person's keys: from its commit on no copy of what they sealed can be opened, wherever it is."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from chassis.keys import KeyName
from chassis.logs import get_logger
from chassis.protocol import on_subject_erased
from chassis.scoped_keys import scope_of
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId
from contracts.privacy import SubjectErased

from retention_service import erasures, subject_keys
from retention_service.attest_erasure import ask_to_attest
from retention_service.collect_export import end_copies
from retention_service.destroyed_ledger import Destroyed
from retention_service.destruction import Destruction
from retention_service.erasures import Erasure, Stage
from retention_service.measures import RetentionMeasures
from retention_service.scan_later import scan_later

DESTROY_KEYS: Final = "destroy_keys"
_log = get_logger()


def ask_to_destroy(tx: Transaction, erasure_id: UUID, subject: SubjectId) -> None:
    """Have the keys destroyed by the worker; asking twice does it once."""
    tx.enqueue(DESTROY_KEYS, str(erasure_id), subject=subject)


def destroy_keys(
    destruction: Destruction, measures: RetentionMeasures
) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step that ends an erasure."""

    async def destroy_keys(item: WorkItem, tx: Transaction) -> None:
        erasure = await erasures.find(tx.connection, UUID(item.key))
        if erasure is None or erasure.stage is not Stage.DESTROYING:
            return
        erased = SubjectErased(subject_id=erasure.subject_id, categories=erasure.categories)
        await on_subject_erased(erased, tx)
        tx.publish(erased)
        # last, because there is no way back: what could fail has been tried
        names = [*await _names(tx, erasure), *await end_copies(tx, erasure.subject_id)]
        await destruction.destroy(tx.connection, [Destroyed(name, tx.now()) for name in names])
        await erasures.finish(tx.connection, erasure.erasure_id, tx.now())
        scan_later(tx, erasure.erasure_id, erasure.subject_id)
        ask_to_attest(tx, erasure.erasure_id, erasure.subject_id)
        took = tx.now() - erasure.requested_at
        tx.after_commit.append(lambda: measures.observe_done(took))
        _log.info("erasure.done", categories=sorted(erasure.categories), seconds=round(took.total_seconds(), 3))

    return destroy_keys


async def _names(tx: Transaction, erasure: Erasure) -> list[KeyName]:
    """The keys of its categories, and of every single thing that belongs to one of them."""
    names = {KeyName(erasure.subject_id, category) for category in erasure.categories}
    for key in await subject_keys.of_subject(tx.connection, erasure.subject_id):
        if scope_of(key.name.category) in erasure.categories:
            names.add(key.name)
    return sorted(names)
