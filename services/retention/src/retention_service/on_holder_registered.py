"""A service says that it holds personal data: every erasure asks it from now on, the open ones too (trap 42)."""

from chassis.logs import SafeError, get_logger
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.privacy import HolderRegistered

from retention_service import erasure_holders, erasures, holders
from retention_service.ask_holders import Asking

_log = get_logger()


class UnknownHolder(SafeError):
    """A holder whose answers nobody could verify: it would keep every erasure open for ever."""


def on_holder_registered(asking: Asking) -> Single[HolderRegistered]:
    """The reaction, with the keys of those who may be holders."""

    async def on_holder_registered(event: HolderRegistered, tx: Transaction) -> None:
        if asking.trusted.find(event.holder) is None:
            raise UnknownHolder("no trusted key has this holder's name: add it to TILLIT_SERVICE_JWKS_FILE and replay")
        await holders.register(tx.connection, event)
        open_ones = await erasures.asking(tx.connection)
        added = await erasure_holders.add_to_all(tx.connection, open_ones, event.holder, tx.now())
        _log.info("holder.known", holder=event.holder, groups=len(event.groups), asked_in=added)

    return on_holder_registered
