"""A person is to be erased: what their events of these categories said goes; that they happened stays (A4)."""

from chassis.transaction import Transaction
from contracts.privacy import ErasureRequested

from audit_log_service.holder import HOLDER


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)
