"""Has every holder look for what an erasure left behind, 7 and 30 days after it, or when an officer asks.

A holder that stays silent is asked again with growing delays, and alarmed; it is never given up.
"""

import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from chassis.logs import get_logger
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId
from contracts.privacy import ResidueScanRequested

from retention_service import erasures, holders, residue_scans
from retention_service.ask_holders import Asking, everybody
from retention_service.attest_erasure import ask_to_attest
from retention_service.erasures import Erasure, Stage

SCAN_LATER: Final = "scan_later"
SCAN_AGAIN: Final = "scan_again"
SCANS_AFTER: Final = (timedelta(days=7), timedelta(days=30))
"""When holders look, counted from the day on which the keys were destroyed."""
_NONCE_BYTES: Final = 16
_LONGEST_WAIT: Final = timedelta(days=1)
_ALARM_ATTEMPTS: Final = 4
_log = get_logger()


def scan_later(tx: Transaction, erasure_id: UUID, subject: SubjectId) -> None:
    """Arrange for the scans of an erasure that is done now."""
    for wait in SCANS_AFTER:
        due = tx.now() + wait
        tx.enqueue(SCAN_LATER, f"{erasure_id} {due.isoformat()}", subject=subject, due_at=due)


def scan_now(tx: Transaction, erasure: Erasure) -> None:
    """Have the worker begin a scan; asking twice before it does begins one."""
    tx.enqueue(SCAN_LATER, f"{erasure.erasure_id} now", subject=erasure.subject_id)


def begin_scan(asking: Asking) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step that asks every holder to look. An erasure that is open again is scanned when it is done again."""

    async def begin_scan(item: WorkItem, tx: Transaction) -> None:
        erasure = await erasures.find(tx.connection, UUID(item.key.partition(" ")[0]))
        if erasure is None or erasure.stage is not Stage.DONE:
            return
        nonce = secrets.token_hex(_NONCE_BYTES)
        asked = await everybody(tx, asking)
        await residue_scans.add(tx.connection, nonce, erasure.erasure_id, erasure.subject_id, asked, tx.now())
        tx.publish(_request_of(erasure, nonce, tx))
        _ask_again_in(tx, erasure, nonce, asking.first_wait)
        _log.info("residue_scan.begun", holders=len(asked))

    return begin_scan


def scan_again(asking: Asking) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step that repeats the request while a holder is silent."""

    async def scan_again(item: WorkItem, tx: Transaction) -> None:
        erasure_id, _, nonce = item.key.partition(" ")
        erasure = await erasures.find(tx.connection, UUID(erasure_id))
        if erasure is None or erasure.stage is not Stage.DONE:
            return
        retired = await holders.retired(tx.connection)
        silent = await residue_scans.ask_silent(tx.connection, nonce, tx.now(), retired=retired)
        if not silent:
            ask_to_attest(tx, erasure.erasure_id, erasure.subject_id)
            return
        attempts = max(silent.values())
        say = _log.error if attempts >= _ALARM_ATTEMPTS else _log.warning
        say("residue_scan.asked_again", holders=sorted(silent), attempts=attempts)
        tx.publish(_request_of(erasure, nonce, tx))
        _ask_again_in(tx, erasure, nonce, min(asking.first_wait * 2 ** min(attempts - 1, 20), _LONGEST_WAIT))

    return scan_again


def _request_of(erasure: Erasure, nonce: str, tx: Transaction) -> ResidueScanRequested:
    return ResidueScanRequested(
        subject_id=erasure.subject_id,
        erasure_id=erasure.erasure_id,
        nonce=nonce,
        categories=erasure.categories,
        requested_at=tx.now(),
    )


def _ask_again_in(tx: Transaction, erasure: Erasure, nonce: str, wait: timedelta) -> None:
    key = f"{erasure.erasure_id} {nonce}"
    tx.enqueue(SCAN_AGAIN, key, subject=erasure.subject_id, due_at=tx.now() + wait)
