"""Profile has looked which keys it uses: those are confirmed, and what it never used is destroyed like any other key."""

from chassis.keys import KeyName
from chassis.logs import get_logger
from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.profile import KeysAccountedFor

from retention_service import subject_keys
from retention_service.destroyed_ledger import Destroyed
from retention_service.destruction import Destruction
from retention_service.sweep_unused_keys import UNUSED_AFTER

_log = get_logger()


def on_keys_accounted_for(destruction: Destruction) -> Single[KeysAccountedFor]:
    """The reaction. An answer about a key that was confirmed, or is younger than a day, destroys nothing."""

    async def on_keys_accounted_for(event: KeysAccountedFor, tx: Transaction) -> None:
        subject = event.subject_id
        await subject_keys.confirm(tx.connection, subject, event.used)
        waiting = await subject_keys.unconfirmed(tx.connection, [subject], tx.now() - UNUSED_AFTER)
        unused = [KeyName(subject, name) for name in waiting.get(subject, []) if name in event.unused]
        if unused:
            await destruction.destroy(tx.connection, [Destroyed(name, tx.now()) for name in unused])
            _log.info("keys.unused_destroyed", keys=len(unused))

    return on_keys_accounted_for
