"""A person is to be erased: what is held of them in these categories goes, and retention gets a signed answer (A4).

Positions stay: they are their employer's.
"""

from chassis.transaction import Transaction
from contracts.privacy import ErasureRequested

from profile_service.holder import HOLDER


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)
