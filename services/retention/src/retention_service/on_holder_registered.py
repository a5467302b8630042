"""A service says that it holds personal data: every erasure asks it from now on, the open ones too (trap 42)."""

from chassis.holder_replies import is_signed_by
from chassis.logs import SafeError, get_logger
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.privacy import HolderRegistered
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from retention_service import erasure_holders, erasures, holders
from retention_service.ask_holders import Asking

_log = get_logger()


class UnknownHolder(SafeError):
    """A holder whose answers nobody could verify: it would keep every erasure open for ever."""


class ForeignRegistration(SafeError):
    """A registration that the named holder did not make: it could shrink what the fence waits for. It is parked."""


def on_holder_registered(asking: Asking) -> Single[HolderRegistered]:
    """The reaction, with the keys of those who may be holders."""

    async def on_holder_registered(event: HolderRegistered, tx: Transaction) -> None:
        key = asking.trusted.find(event.holder)
        if key is None:
            raise UnknownHolder("no trusted key has this holder's name: add it to TILLIT_SERVICE_JWKS_FILE and replay")
        if not isinstance(key.public_key, Ed25519PublicKey) or not is_signed_by(event, key.public_key):
            raise ForeignRegistration("the registration is not signed by the holder that it names")
        if not await holders.register(tx.connection, event):
            # Signed once, it can be said again by whoever may write on the topic: it must not shrink the fence.
            _log.error("holder.older_words", holder=event.holder, cure="its clock is behind, or somebody repeats it")
            return
        open_ones = await erasures.asking(tx.connection)
        added = await erasure_holders.add_to_all(tx.connection, open_ones, event.holder, tx.now())
        _log.info("holder.known", holder=event.holder, groups=len(event.groups), asked_in=added)

    return on_holder_registered
