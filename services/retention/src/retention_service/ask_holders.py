"""Asks every holder to erase, and asks the silent ones again with growing delays; it is never given up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from chassis.jwks import JwksFile, Keys
from chassis.logs import get_logger
from chassis.sql import Connection
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId
from contracts.privacy import ErasureRequested

from chassis import work
from retention_service import erasure_holders, erasures, holders, holds
from retention_service.erasures import Erasure, Stage
from retention_service.settings import RetentionSettings

ASK_AGAIN: Final = "ask_again"
_LONGEST_WAIT: Final = timedelta(days=1)
_ALARM_ATTEMPTS: Final = 4
_CURE: Final = (
    "these services must run and answer: see `tillit status`, and `tillit parked list` for what they can't take in"
)
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom every erasure asks, registered or not, whose answers are believed, and how long the first is waited for."""

    required: frozenset[str]
    trusted: Keys
    first_wait: timedelta

    @classmethod
    def told_by(cls, settings: RetentionSettings) -> "Asking":
        return cls(settings.holders_required, JwksFile(settings.service_jwks_file), settings.ask_again_after)


async def everybody(tx: Transaction, asking: Asking) -> set[str]:
    """Every holder that must answer. Nobody registers until the transaction ends."""
    await holders.hold_still(tx.connection)
    return await holders.names(tx.connection) | asking.required


async def ask_all(tx: Transaction, erasure: Erasure, asking: Asking) -> None:
    """Send the request, and arrange that it is sent again to those who stay silent."""
    await erasure_holders.add(
        tx.connection, erasure.erasure_id, erasure.subject_id, await everybody(tx, asking), tx.now()
    )
    tx.publish(await request_of(tx.connection, erasure))
    _ask_again_in(tx, erasure, asking.first_wait)


async def request_of(connection: Connection, erasure: Erasure) -> ErasureRequested:
    """The same words each time, but for holds that came or went: who answered is not asked for anything new by another."""
    return ErasureRequested(
        subject_id=erasure.subject_id,
        erasure_id=erasure.erasure_id,
        nonce=erasure.nonce,
        reason=erasure.reason,
        categories=erasure.categories,
        requested_at=erasure.requested_at,
        due_at=erasure.due_at,
        holds=await holds.in_force(connection, erasure.subject_id),
        receipt=erasure.receipt_name or "",
        asking=erasure.asking,
    )


def ask_again(asking: Asking) -> Callable[[WorkItem, Transaction], Awaitable[None]]:
    """The step that repeats the request while a holder is silent."""

    async def ask_again(item: WorkItem, tx: Transaction) -> None:
        erasure = await erasures.find(tx.connection, UUID(item.key))
        if erasure is None or erasure.stage is not Stage.ASKING:
            return
        missing = await end_asking(tx, erasure.erasure_id, erasure.subject_id, asking)
        if not missing:
            return  # who was silent is retired by now
        silent = await erasure_holders.ask_silent(tx.connection, erasure.erasure_id, missing, tx.now())
        attempts = max(silent.values(), default=1)
        say = _log.error if attempts >= _ALARM_ATTEMPTS else _log.warning
        say("erasure.asked_again", holders=sorted(silent), attempts=attempts, cure=_CURE)
        tx.publish(await request_of(tx.connection, erasure))
        _ask_again_in(tx, erasure, min(asking.first_wait * 2 ** min(attempts - 1, 20), _LONGEST_WAIT))

    return ask_again


async def end_asking(tx: Transaction, erasure_id: UUID, subject: SubjectId, asking: Asking) -> set[str]:
    """Go on to the fence when everybody has answered: those asked, those registered meanwhile, and those required.

    The answer is who has not; a retired holder is waited for no more, and has not answered either.
    """
    expected = await everybody(tx, asking)
    await erasure_holders.add(tx.connection, erasure_id, subject, expected, tx.now())
    asked = await erasure_holders.of_erasure(tx.connection, erasure_id)
    retired = (await holders.retired(tx.connection)).keys() - asking.required
    silent = {one.holder for one in asked if one.replied_at is None} - retired
    if not silent:
        await erasures.all_answered(tx.connection, erasure_id, tx.now())
        await work.cancel(tx.connection, ASK_AGAIN, str(erasure_id))
        _log.info("erasure.answered", holders=len(expected))
    return silent


def _ask_again_in(tx: Transaction, erasure: Erasure, wait: timedelta) -> None:
    tx.enqueue(ASK_AGAIN, str(erasure.erasure_id), subject=erasure.subject_id, due_at=tx.now() + wait)
