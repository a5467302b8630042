"""The retention service is a holder too: it erases its own rows about the person and answers like the others.

It says these requests itself. One that its database does not know was forgotten by a restore from a backup: it is taken
up as its own words tell it, under the same number and nonce, so that the holders' answers count.
"""

from dataclasses import replace

from chassis.logs import get_logger
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.privacy import POLICY_VERSION, ErasureRequested

from retention_service import erasure_holders, erasures
from retention_service.ask_holders import Asking, ask_all
from retention_service.erasures import Erasure, Stage
from retention_service.holder import HOLDER

_log = get_logger()


def on_erasure_requested(asking: Asking) -> Single[ErasureRequested]:
    """The reaction, with whom a forgotten erasure asks anew."""

    async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
        await _take_up(event, tx, asking)
        await HOLDER.erase(event, tx)

    return on_erasure_requested


async def _take_up(event: ErasureRequested, tx: Transaction, asking: Asking) -> None:
    known = await erasures.find(tx.connection, event.erasure_id)
    if known is None:
        if await erasures.open_of(tx.connection, event.subject_id) is not None:
            return
        forgotten = _as_told(event)
        await erasures.insert(tx.connection, forgotten)
    elif event.nonce not in {known.nonce, *known.former_nonces}:
        forgotten = replace(_as_told(event), categories=known.categories | event.categories)
        await erasures.widen(tx.connection, forgotten)
        await erasure_holders.ask_anew(tx.connection, known.erasure_id, known.nonce, tx.now())
    else:
        return
    await ask_all(tx, forgotten, asking)
    _log.warning("erasure.taken_up", reason=event.reason)


def _as_told(event: ErasureRequested) -> Erasure:
    return Erasure(
        erasure_id=event.erasure_id,
        subject_id=event.subject_id,
        reason=event.reason,
        categories=event.categories,
        nonce=event.nonce,
        former_nonces=frozenset(),
        asking=event.asking,
        receipt=None,
        receipt_name=event.receipt or None,
        policy=POLICY_VERSION,
        stage=Stage.ASKING,
        fence_id=None,
        requested_at=event.requested_at,
        due_at=event.due_at,
        answered_at=None,
        fenced_at=None,
        told_at=None,
        mailed_at=None,
        mail_outcome=None,
        done_at=None,
    )
