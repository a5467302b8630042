"""A scan for residue as this service does it: reads its whole database, part by part, and answers, signed.

It may take hours, so it is an errand that keeps its lease while it goes on; a worker that dies is followed by another,
which begins anew.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from contracts.personal import Category
from contracts.privacy import ResidueScanned, ResidueScanRequested

from chassis.clock import monotonic
from chassis.database import Database
from chassis.holder_replies import sign_reply
from chassis.holders import Holder
from chassis.keys import LOG_KEY
from chassis.logs import get_logger
from chassis.residue import SCAN_RESIDUE, ResidueScan
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import LEASE, Errand, cause_of, finish, renew

_RENEW_SECONDS: Final = LEASE.total_seconds() / 3
_log = get_logger()


def ask_for_scan(event: ResidueScanRequested, tx: Transaction) -> None:
    """Have the worker look; asking twice does it once."""
    categories = ",".join(sorted(event.categories))
    tx.enqueue(SCAN_RESIDUE, f"{event.erasure_id} {categories} {event.nonce}", subject=event.subject_id)


def scan_residue(holder: Holder, database: Callable[[], Database]) -> Errand:
    """The errand, on the database that the service has once it is open."""

    async def scan_residue(item: WorkItem) -> None:
        if item.subject_id is None:
            return
        erasure_id, categories, nonce = item.key.split(" ", 2)
        renewed = monotonic()

        async def keep_lease() -> None:
            nonlocal renewed
            if monotonic() - renewed > _RENEW_SECONDS:
                async with database().transaction(keys=()) as tx:
                    await renew(item, tx)
                renewed = monotonic()

        scan = ResidueScan(holder, item.subject_id, [Category(category) for category in categories.split(",")])
        async with borrow(database().pool) as connection:
            residue = await scan.run(connection, keep_lease)
        async with database().transaction([item.subject_id], cause=cause_of(item), keys=[LOG_KEY]) as tx:
            await finish(item, tx)
            answer = ResidueScanned(
                subject_id=item.subject_id,
                erasure_id=UUID(erasure_id),
                nonce=nonce,
                holder=holder.name,
                columns=residue.columns,
                found=residue.found,
                scanned_at=tx.now(),
                signature="",
            )
            tx.publish(sign_reply(answer, tx.signing_key))
        say = _log.error if residue.found else _log.info
        say("residue.scanned", columns=residue.columns, found=sorted(residue.found))

    return scan_residue
