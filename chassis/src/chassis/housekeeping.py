"""What every service does about itself: tells that it is a holder, and drops what its windows no longer allow."""

from datetime import timedelta
from typing import Final

from chassis import idempotency, inbox, parked, registration
from chassis.holders import digest
from chassis.logs import get_logger
from chassis.service import Service
from chassis.work import WorkItem

SWEEP_EVERY: Final = timedelta(hours=1)
ANSWERS_KEPT: Final = timedelta(days=1)
_log = get_logger()


async def register_holder(service: Service) -> None:
    """Publish the holder declaration when it changed since it was last published.

    Raises:
        Exception: one of `chassis.errors.TRANSIENT`; nothing was published, try again.
    """
    async with service.database.transaction() as tx:
        event = service.holder.registration(service.groups(), tx)
        if await registration.remember(tx.connection, service.holder.name, digest(event), tx.now()):
            tx.publish(event)
            _log.info("holder.registered", tables=len(event.tables))


async def sweep(service: Service, item: WorkItem) -> None:
    """Delete inbox rows, kept answers and parked records that are older than their windows."""
    settings = service.settings
    async with service.database.transaction(keys=()) as tx:
        now = tx.now()
        inboxes = await inbox.forget(tx.connection, now - settings.inbox_window)
        expired = await parked.forget(tx.connection, now - settings.parked_window)
        await idempotency.forget_before(tx, now - ANSWERS_KEPT)
    _log.info("housekeeping.swept", inbox=inboxes, parked=expired)
