"""Does what the table `work` holds: item by item under the person's lock, or as an errand that may use the network.

An item's lease is a time: who takes longer, or freezes, finds its lease gone and changes nothing. A failing item is
tried again with growing delays and never given up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import uuid4

from contracts.personal import Category
from contracts.purposes import PurposeId

from chassis import work
from chassis.clock import monotonic, new_id
from chassis.database import Database
from chassis.errors import TRANSIENT, KeyringUnavailable, reason
from chassis.health import Loop
from chassis.keys import KeySet
from chassis.logs import get_logger
from chassis.metrics import Metrics
from chassis.reactions import Mode
from chassis.records import Cause
from chassis.sql import borrow
from chassis.telemetry import inject, span_from
from chassis.transaction import Transaction
from chassis.work import NewWork, WorkItem

LEASE: Final = timedelta(seconds=30)
_CLAIM: Final = 50
_POLL_SECONDS: Final = 0.5
_COME_FORWARD_SECONDS: Final = 30.0
_FIRST_DELAY: Final = timedelta(seconds=1)
_LONGEST_DELAY: Final = timedelta(minutes=15)
_log = get_logger()

Step: TypeAlias = Callable[[WorkItem, Transaction], Awaitable[None]]
Errand: TypeAlias = Callable[[WorkItem], Awaitable[None]]


class LeaseLost(Exception):
    """Someone else has the item by now: nothing of this run may be committed."""


@dataclass(frozen=True, slots=True)
class WorkKind:
    """What is done for one kind of item, and for which purpose.

    A `step` runs in one transaction that locks the item's person, and the item goes with its commit. An `errand` runs
    outside any transaction, opens its own, and ends the item with `finish` in its last one. `every` makes it recurring.
    """

    kind: str
    mode: Mode
    purpose: PurposeId
    category: Category | None
    step: Step | None = None
    errand: Errand | None = None
    concurrency: int = 4
    every: timedelta | None = None


async def finish(item: WorkItem, tx: Transaction) -> None:
    """End an errand's item in the transaction that records its outcome.

    Raises:
        LeaseLost: it took too long; the transaction rolls back.
    """
    if not await work.finish(tx.connection, item):
        raise LeaseLost


async def renew(item: WorkItem, tx: Transaction) -> None:
    """Take a whole lease time from now on: an errand may have waited for its turn before it does what can't be undone.

    Raises:
        LeaseLost: someone else has the item by now.
    """
    if not await work.renew(tx.connection, item, tx.now() + LEASE):
        raise LeaseLost


class WorkLoop:
    """Does the items of one kind, `concurrency` at a time, until cancelled or stopped."""

    def __init__(
        self, kind: WorkKind, *, database: Database, wake: asyncio.Event, metrics: Metrics, loop: Loop
    ) -> None:
        self._kind = kind
        self._database = database
        self._wake = wake
        self._metrics = metrics
        self.loop = loop
        self._stopping = False
        self._came_forward: float | None = None

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Take due items in bulk, do them, sleep when there are none until woken or a poll interval is over."""
        while not self._stopping:
            self.loop.beat()
            self._wake.clear()
            try:
                items = await self._claim()
                keys = await self._keys(items)
            except TRANSIENT as error:
                _log.warning("work.interrupted", kind=self._kind.kind, error=reason(error))
                await asyncio.sleep(1)
                continue
            if items:
                gate = asyncio.Semaphore(self._kind.concurrency)
                await asyncio.gather(*(self._do(item, keys, gate) for item in items))
            if len(items) < _CLAIM and not self._stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def _claim(self) -> list[WorkItem]:
        now = self._database.clock.now()
        async with borrow(self._database.pool) as connection:
            if self._came_forward is None or monotonic() - self._came_forward > _COME_FORWARD_SECONDS:
                await work.come_forward(
                    connection, self._kind.kind, now=now, lease_time=LEASE, longest_delay=_LONGEST_DELAY
                )
                if self._kind.every is not None:
                    await work.come_forward_again(connection, self._kind.kind, now=now, every=self._kind.every)
                self._came_forward = monotonic()
            if self._kind.every is not None:
                recurring = NewWork(self._kind.kind, self._kind.kind, work.AT_ONCE, new_id(self._database.clock))
                await work.insert(connection, [recurring])
            return await work.claim(connection, self._kind.kind, lease=uuid4(), now=now, lease_time=LEASE, limit=_CLAIM)

    async def _keys(self, items: Sequence[WorkItem]) -> KeySet | None:
        """The keys of all items at once. Errands fetch their own; the privacy protocol waits for no key of a person."""
        if self._kind.step is None or not items:
            return None
        people = [item.subject_id for item in items if item.subject_id is not None]
        if self._kind.mode is Mode.PROTOCOL:
            people = []
        try:
            return await self._database.keys.fetch(self._database.keys.names_for(people))
        except KeyringUnavailable:
            for item in items:
                await self._postpone(item, _FIRST_DELAY)
            raise

    async def _do(self, item: WorkItem, keys: KeySet | None, gate: asyncio.Semaphore) -> None:
        async with gate:
            self.loop.beat()
            try:
                with span_from(item.traceparent, self._kind.kind):
                    if self._kind.step is not None:
                        await self._run_step(item, keys, self._kind.step)
                    elif self._kind.errand is not None:
                        await self._run_errand(item, self._kind.errand)
            except LeaseLost:
                self._metrics.reactions.labels(self._kind.kind, "lease lost").inc()
            except Exception as error:  # noqa: BLE001 - whatever fails, the item stays and is tried again later
                self._metrics.reactions.labels(self._kind.kind, "failed").inc()
                _log.warning("work.failed", kind=self._kind.kind, attempts=item.attempts, error=reason(error))
                await self._postpone(item, self._delay(item, error))

    async def _run_step(self, item: WorkItem, keys: KeySet | None, step: Step) -> None:
        about = [item.subject_id] if item.subject_id is not None else []
        async with self._database.transaction(about, cause=cause_of(item), keys=keys) as tx:
            await finish(item, tx)
            if self._may_run(item, tx):
                await step(item, tx)
                self._metrics.reactions.labels(self._kind.kind, "done").inc()
            else:
                self._metrics.reactions.labels(self._kind.kind, "refused").inc()

    async def _run_errand(self, item: WorkItem, errand: Errand) -> None:
        await errand(item)
        async with borrow(self._database.pool) as connection:
            if self._kind.every is not None:
                await work.come_again(connection, item, self._database.clock.now() + self._kind.every)
            else:
                await work.finish(connection, item)
        self._metrics.reactions.labels(self._kind.kind, "done").inc()

    def _may_run(self, item: WorkItem, tx: Transaction) -> bool:
        if item.subject_id is None or self._kind.mode is Mode.PROTOCOL:
            return True
        state = tx.state(item.subject_id)
        return not state.is_erased(self._kind.category) and not (self._kind.mode is Mode.USE and state.restricted)

    async def _postpone(self, item: WorkItem, delay: timedelta) -> None:
        with suppress(*TRANSIENT):  # without it the lease ends by itself
            async with borrow(self._database.pool) as connection:
                await work.postpone(connection, item, self._database.clock.now() + delay)

    def _delay(self, item: WorkItem, error: Exception) -> timedelta:
        if isinstance(error, KeyringUnavailable):
            return _FIRST_DELAY
        return min(_FIRST_DELAY * 2 ** min(item.attempts - 1, 12), _LONGEST_DELAY)


def cause_of(item: WorkItem) -> Cause:
    """What led to the item, for the transactions of an errand."""
    return Cause(item.correlation_id, item.causation_id, inject() or item.traceparent)
