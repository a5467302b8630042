"""A service says that it holds personal data: every erasure asks it from now on, the open ones too (trap 42).

One that had all its answers goes back to asking, unless its keys are about to be destroyed: then the newcomer, which reads
all topics from their beginning, meets the request there.
"""

from chassis.holder_replies import is_signed_by
from chassis.logs import SafeError, get_logger
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.privacy import HolderRegistered
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis import work
from retention_service import erasure_holders, erasures, holders
from retention_service.ask_holders import ASK_AGAIN, Asking
from retention_service.request_last_mail import LAST_MAIL

_log = get_logger()


class UnknownHolder(SafeError):
    """A holder whose answers nobody could verify: it would keep every erasure open for ever."""


class RetiredHolder(SafeError):
    """A holder that was given up for gone says that it holds data. It is parked: whom it forgot nobody asks it again."""


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
        retired_at = (await holders.retired(tx.connection)).get(event.holder)
        if retired_at is not None and event.registered_at > retired_at:
            raise RetiredHolder("two officers retired this holder: begin again under another name, with nothing stored")
        if not await holders.register(tx.connection, event):
            # Signed once, it can be said again by whoever may write on the topic: it must not shrink the fence.
            _log.error("holder.older_words", holder=event.holder, cure="its clock is behind, or somebody repeats it")
            return
        open_ones = await erasures.before_the_keys_go(tx.connection)
        added = await erasure_holders.add_to_all(tx.connection, open_ones, event.holder, tx.now())
        for erasure_id in await erasures.back_to_asking(tx.connection, added):
            await work.cancel(tx.connection, LAST_MAIL, str(erasure_id))  # it is asked for anew when it is there again
            tx.enqueue(ASK_AGAIN, str(erasure_id), subject=open_ones[erasure_id])
        _log.info("holder.known", holder=event.holder, groups=len(event.groups), asked_in=len(added))

    return on_holder_registered
