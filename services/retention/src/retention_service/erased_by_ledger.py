"""What retention itself marks again after its database was restored: it has nobody to ask but its own ledger.

The erasures themselves are told by their events, which are read again: `on_erasure_requested` takes them up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from chassis.service import Service
from contracts.personal import Category

from retention_service.destroyed_ledger import DestroyedLedger

_CATEGORIES: Final = frozenset(Category)


def mark_by_ledger(service: Service, ledger: DestroyedLedger) -> Callable[[datetime], Awaitable[int]]:
    """Leave the tombstone of everybody whose keys were destroyed since; the answer is how many keys that were.

    The keys themselves are destroyed again before any is used.
    """

    async def mark(since: datetime) -> int:
        marked, place = 0, 0
        while True:
            part = await asyncio.to_thread(ledger.read, place)
            for name, at in part.destroyed:
                if at >= since and name.category in _CATEGORIES:
                    async with service.database.transaction([name.subject_id], keys=()) as tx:
                        await tx.mark_erased(name.subject_id, [name.category])
                    marked += 1
            if not part.destroyed:
                return marked
            place = part.after

    return mark
