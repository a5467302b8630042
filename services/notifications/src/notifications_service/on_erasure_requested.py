"""A person is to be erased: what is held of them in these categories goes, and retention gets a signed answer (A4).

Where `communication` is not asked for, the mails that were sent stay until their own rule ends them (R4); the person
is restricted by then, so nothing that waits is sent.
"""

from chassis.transaction import Transaction
from contracts.privacy import ErasureRequested

from notifications_service.holder import HOLDER


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)
