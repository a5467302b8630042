"""Opens an erasure again that left something behind: every holder must erase once more, under a new nonce."""

import secrets
from dataclasses import replace
from typing import Final

from chassis.logs import get_logger
from chassis.transaction import Transaction

from retention_service import erasure_holders, erasures
from retention_service.ask_holders import Asking, ask_all
from retention_service.erasures import Erasure, Stage

_NONCE_BYTES: Final = 16
_log = get_logger()


async def reopen_erasure(tx: Transaction, erasure: Erasure, asking: Asking) -> None:
    """Back to asking. The keys are destroyed already, so what is found is unreadable, and must go all the same.

    While another erasure of the person is open nothing is done here: there is never a second, and each has its own scans.
    """
    if erasure.stage is not Stage.DONE or await erasures.open_of(tx.connection, erasure.subject_id) is not None:
        return
    again = replace(erasure, nonce=secrets.token_hex(_NONCE_BYTES), asking=erasure.asking + 1, stage=Stage.ASKING)
    await erasures.reopen(tx.connection, again)
    await erasure_holders.ask_anew(tx.connection, again.erasure_id, erasure.nonce, tx.now())
    await ask_all(tx, again, asking)
    _log.error("erasure.reopened", cure="`tillit erasures show` names the columns; delete what stands there")
