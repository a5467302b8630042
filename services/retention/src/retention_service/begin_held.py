"""An erasure that the breaker held back begins, once two officers have released it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from chassis.transaction import Transaction
from chassis.work import WorkItem

from retention_service import erasures, held_back
from retention_service.ask_holders import Asking
from retention_service.deliver_first import ask_or_wait


def begin_held(asking: Asking) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step, with whom it asks."""

    async def begin_held(item: WorkItem, tx: Transaction) -> None:
        erasure = await erasures.find(tx.connection, UUID(item.key))
        if erasure is not None and await held_back.remove(tx.connection, erasure.erasure_id):
            await ask_or_wait(tx, erasure, asking)

    return begin_held
