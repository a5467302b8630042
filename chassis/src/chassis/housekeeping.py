"""What every service does about itself: tells that it is a holder, and drops what its windows no longer allow."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from chassis import idempotency, inbox, known_holds, outbox, parked, registration, subjects
from chassis.holders import digest
from chassis.logs import get_logger
from chassis.service import Service
from chassis.sql import Connection
from chassis.work import WorkItem
from chassis.work_loop import renew

SWEEP_EVERY: Final = timedelta(hours=1)
ANSWERS_KEPT: Final = timedelta(days=1)
PART: Final = 5_000
"""Rows of one statement."""
Forget: TypeAlias = Callable[[Connection, datetime, int], Awaitable[int]]
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
    """Delete inbox rows, parked records, kept answers and tombstones that are older than their windows, part by part.

    An hour may have brought millions; in one statement they would take longer than any statement may.
    """
    settings = service.settings
    windows: Sequence[tuple[str, Forget, timedelta]] = (
        ("inbox", inbox.forget, settings.inbox_window),
        ("parked", parked.forget, settings.parked_window),
        ("answers", idempotency.forget, ANSWERS_KEPT),
        ("lifted holds", known_holds.forget, settings.tombstone_window),
    )
    for what, forget, window in windows:
        swept = part = await _forget_part(service, item, forget, window)
        while part == PART:
            part = await _forget_part(service, item, forget, window)
            swept += part
        _log.info("housekeeping.swept", what=what, rows=swept)
    await _sweep_tombstones(service, item)


async def _sweep_tombstones(service: Service, item: WorkItem) -> None:
    """Forget whom no late event can name any more (a list of erased people is processing of erased people).

    Who still has something here, under another category or a hold, keeps the tombstone until that is gone too. What was
    never sent about them by now never is: elsewhere their tombstones go at the same time.
    """
    last, swept = None, 0
    while True:
        async with service.database.transaction(keys=()) as tx:
            await renew(item, tx)
            before = tx.now() - service.settings.tombstone_window
            part = await subjects.lock_tombstones(tx.connection, before, last, PART)
            people = [tombstone.subject_id for tombstone in part]
            gone = set(people) - await service.holder.still_here(tx.connection, people)
            await outbox.give_up(tx.connection, [str(person) for person in gone])
            await subjects.forget(tx.connection, gone)
        swept += len(gone)
        if len(part) < PART:
            break
        last = part[-1]
    _log.info("housekeeping.swept", what="tombstones", rows=swept)


async def _forget_part(service: Service, item: WorkItem, forget: Forget, window: timedelta) -> int:
    async with service.database.transaction(keys=()) as tx:
        await renew(item, tx)
        return await forget(tx.connection, tx.now() - window, PART)
