"""Work of the chassis' own, claimed as its loop does, so that a test can run it by hand."""

from uuid import uuid4

from chassis.sql import borrow
from chassis.work import WorkItem
from chassis.work_loop import LEASE

from chassis import work

from .town import Town


async def claimed(town: Town) -> WorkItem:
    """A sweep that is this test's to do."""
    kind = f"sweep {uuid4()}"
    async with town.service.database.transaction(keys=()) as tx:
        tx.enqueue(kind, "sweep")
    async with borrow(town.service.database.pool) as connection:
        now = town.service.clock.now()
        [item] = await work.claim(connection, kind, lease=uuid4(), now=now, lease_time=LEASE, limit=1)
    return item
