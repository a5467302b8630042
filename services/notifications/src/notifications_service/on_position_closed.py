"""A position is no longer open: alerts and mails of it that were not sent yet find that out, and are dropped."""

from chassis.transaction import Transaction
from contracts.position import PositionClosed

from notifications_service import positions


async def on_position_closed(event: PositionClosed, tx: Transaction) -> None:
    await positions.close(tx.connection, event.position_id, event.closed_at)
