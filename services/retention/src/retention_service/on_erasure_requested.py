"""The retention service is a holder too: it erases its own rows about the person and answers like the others."""

from chassis.transaction import Transaction
from contracts.privacy import ErasureRequested

from retention_service.holder import HOLDER


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)
