"""Begins the erasure of a person, or adds to the one that is open: there is never a second beside it."""

import secrets
from dataclasses import replace
from typing import Final

from chassis.clock import new_id
from chassis.logs import get_logger
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.privacy import ERASURE_SCOPE, POLICY_VERSION
from contracts.profile import DeletionReason
from contracts.receipts import name_of

from chassis import work
from retention_service import erasure_holders, erasures, held_back
from retention_service.ask_holders import Asking
from retention_service.breaker import Breaker
from retention_service.deliver_first import ask_or_wait
from retention_service.due_dates import one_month_after
from retention_service.erasures import Erasure, Stage
from retention_service.request_last_mail import LAST_MAIL

_NONCE_BYTES: Final = 16
_RECEIPT_BYTES: Final = 32
_log = get_logger()


async def begin_erasure(
    tx: Transaction, subject: SubjectId, reason: DeletionReason, asking: Asking, breaker: Breaker
) -> None:
    """Ask every holder to erase what this reason covers, unless the breaker holds it back or a copy waits for the person.

    The transaction is about the person.
    """
    scope = ERASURE_SCOPE[reason]
    nonce = secrets.token_hex(_NONCE_BYTES)
    open_one = await erasures.open_of(tx.connection, subject)
    if open_one is None:
        receipt = secrets.token_urlsafe(_RECEIPT_BYTES)
        erasure = Erasure(
            erasure_id=new_id(tx.clock),
            subject_id=subject,
            reason=reason,
            categories=scope,
            nonce=nonce,
            former_nonces=frozenset(),
            asking=1,
            receipt=receipt,
            receipt_name=name_of(receipt),
            policy=POLICY_VERSION,
            stage=Stage.ASKING,
            fence_id=None,
            requested_at=tx.now(),
            due_at=one_month_after(tx.now()),
            answered_at=None,
            fenced_at=None,
            told_at=None,
            mailed_at=None,
            mail_outcome=None,
            done_at=None,
        )
        await erasures.insert(tx.connection, erasure)
        held = await breaker.holds_back(tx, erasure.erasure_id, subject)
        if not held:
            await ask_or_wait(tx, erasure, asking)
        _log.info("erasure.held_back" if held else "erasure.begun", reason=reason)
        return
    if scope <= open_one.categories:
        return
    # A holder's earlier answer covers less than is asked now, so it may not complete the wider request.
    wider = replace(
        open_one,
        categories=open_one.categories | scope,
        reason=reason,
        nonce=nonce,
        asking=open_one.asking + 1,
        stage=Stage.ASKING,
    )
    await erasures.widen(tx.connection, wider)
    await work.cancel(tx.connection, LAST_MAIL, str(wider.erasure_id))  # it would come only after its long delay
    if not await held_back.contains(tx.connection, wider.erasure_id):
        await erasure_holders.ask_anew(tx.connection, wider.erasure_id, open_one.nonce, tx.now())
        await ask_or_wait(tx, wider, asking)
    _log.info("erasure.widened", reason=reason)
