"""Retention never heard that some keys are used: whether they are is decided here, under the person's lock (decision 24).

Whoever is not registered by now never will be under this id: the tombstone refuses the transaction that comes late.
"""

from chassis.transaction import Transaction
from contracts.personal import Category
from contracts.profile import KeysAccountedFor
from contracts.rights import KeysUnconfirmed

from profile_service import profiles


async def on_keys_unconfirmed(event: KeysUnconfirmed, tx: Transaction) -> None:
    """Say which are used. Of who is registered, or was and is erased, all count as used: their erasure destroys them."""
    subject = event.subject_id
    if tx.state(subject).erased or await profiles.find(tx.connection, subject) is not None:
        tx.publish(KeysAccountedFor(subject_id=subject, used=event.keys, unused=()))
        return
    await tx.mark_erased(subject, Category)
    tx.publish(KeysAccountedFor(subject_id=subject, used=(), unused=event.keys))
