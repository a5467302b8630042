"""The retention service is a holder too: it looks through its own database and answers like the others."""

from chassis.scan_residue import ask_for_scan
from chassis.transaction import Transaction
from contracts.privacy import ResidueScanRequested


async def on_residue_scan_requested(event: ResidueScanRequested, tx: Transaction) -> None:
    ask_for_scan(event, tx)
