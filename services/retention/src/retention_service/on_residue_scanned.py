"""A holder says what it found: believed only when it signed, for this very scan; finding anything reopens the case."""

from chassis.holder_replies import is_signed_by
from chassis.jwks import Keys
from chassis.logs import SafeError, get_logger
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.privacy import ResidueScanned
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retention_service import erasures, residue_scans
from retention_service.ask_holders import Asking
from retention_service.attest_erasure import ask_to_attest
from retention_service.measures import RetentionMeasures
from retention_service.reopen_erasure import reopen_erasure

_log = get_logger()


class ForeignScan(SafeError):
    """An answer to no scan of ours: forged, damaged, or of a holder that was not asked. It is parked, and that pages."""


def on_residue_scanned(asking: Asking, measures: RetentionMeasures) -> Single[ResidueScanned]:
    """The reaction, with the keys of those who may answer."""

    async def on_residue_scanned(event: ResidueScanned, tx: Transaction) -> None:
        _check_signature(event, asking.trusted)
        asked = await residue_scans.find(tx.connection, event.nonce, event.holder)
        if asked is None or (asked.erasure_id, asked.subject_id) != (event.erasure_id, event.subject_id):
            raise ForeignScan("the answer is to no scan that this holder was asked for")
        first = await residue_scans.answered(
            tx.connection, event.nonce, event.holder, event.columns, event.found, tx.now()
        )
        if not first:
            return
        ask_to_attest(tx, event.erasure_id, event.subject_id)
        if not event.found:
            return
        _log.error("residue.found", holder=event.holder, places=sorted(event.found))
        tx.after_commit.append(lambda: measures.count_residue(event.holder))
        erasure = await erasures.find(tx.connection, event.erasure_id)
        if erasure is not None:
            await reopen_erasure(tx, erasure, asking)

    return on_residue_scanned


def _check_signature(event: ResidueScanned, trusted: Keys) -> None:
    key = trusted.find(event.holder)
    if key is None or not isinstance(key.public_key, Ed25519PublicKey) or not is_signed_by(event, key.public_key):
        raise ForeignScan("the answer is not signed by the holder that it names")
