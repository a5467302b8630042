"""A holder says what it erased: believed only when it signed, for this very request; the last one ends the asking."""

import hmac

from chassis.holder_replies import is_signed_by, states
from chassis.jwks import Keys
from chassis.logs import SafeError
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.privacy import PersonalDataErased
from contracts.receipt_files import HolderPart
from contracts.receipts import canonical, statement
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retention_service import erasure_holders, erasures, holders
from retention_service.ask_holders import Asking, end_asking
from retention_service.attest_erasure import ask_to_attest
from retention_service.erasures import Erasure, Stage


class ForeignReply(SafeError):
    """A reply that completes nothing: forged, damaged, or an answer to something else. It is parked, and that pages."""


def on_personal_data_erased(asking: Asking) -> Single[PersonalDataErased]:
    """The reaction, with the keys of those who may answer and whom every erasure waits for."""

    async def on_personal_data_erased(event: PersonalDataErased, tx: Transaction) -> None:
        key = _key_of(event, asking.trusted)
        erasure = await erasures.find(tx.connection, event.erasure_id)
        if erasure is None:
            raise ForeignReply("the reply is to an erasure that does not exist")
        current = _is_current(event, erasure)
        if current and erasure.stage is not Stage.ASKING:
            return  # said again after the last answer
        asked = await erasure_holders.of_erasure(tx.connection, event.erasure_id)
        if all(one.holder != event.holder for one in asked):
            if not current:
                return  # it came after the keys were gone, and read what was asked of others before
            raise ForeignReply("the reply is of a holder that was not asked")
        stated = _stated(event, erasure.receipt_name or "", key)
        if current:
            await erasure_holders.answered(tx.connection, event.erasure_id, event.rows, stated, tx.now())
            others = {one.holder for one in asked if one.replied_at is None and one.holder != event.holder}
            if not others - (await holders.retired(tx.connection)).keys():  # else it can't be the last
                await end_asking(tx, event.erasure_id, event.subject_id, asking)
            return
        await erasure_holders.answered_late(tx.connection, event.erasure_id, event.nonce, stated)
        if erasure.stage is Stage.DONE:
            ask_to_attest(tx, erasure.erasure_id, erasure.subject_id)

    return on_personal_data_erased


def _key_of(event: PersonalDataErased, trusted: Keys) -> Ed25519PublicKey:
    key = trusted.find(event.holder)
    if key is None or not isinstance(key.public_key, Ed25519PublicKey) or not is_signed_by(event, key.public_key):
        raise ForeignReply("the reply is not signed by the holder that it names")
    return key.public_key


def _stated(event: PersonalDataErased, receipt_name: str, key: Ed25519PublicKey) -> HolderPart:
    """What the receipt will show of the answer; without its signature there could never be one."""
    if not states(receipt_name, event, key):
        raise ForeignReply("what the reply states for the receipt is not signed by its holder")
    said = {**statement(event), "signature": event.statement_signature}
    return HolderPart.model_validate_json(canonical(said))


def _is_current(event: PersonalDataErased, erasure: Erasure) -> bool:
    """Whether it answers the request as it stands; False when it answers a former one, which was for less.

    Raises:
        ForeignReply: it never was an answer to a request of ours.
    """
    if erasure.subject_id != event.subject_id:
        raise ForeignReply("the reply is about another person than its erasure")
    if hmac.compare_digest(event.nonce.encode(), erasure.nonce.encode()):
        if (event.asking, frozenset(event.categories)) != (erasure.asking, erasure.categories):
            raise ForeignReply("the reply states another asking, or other categories, than its erasure's")
        return True
    if any(hmac.compare_digest(event.nonce.encode(), former.encode()) for former in erasure.former_nonces):
        return False
    raise ForeignReply("the reply has not the nonce of its erasure")
