"""A person is to be erased: their rows go, a tombstone stays, and retention gets a signed answer, in one transaction."""

from chassis.transaction import Transaction
from contracts.privacy import ErasureRequested

from partner_board_service.holder import HOLDER


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)
