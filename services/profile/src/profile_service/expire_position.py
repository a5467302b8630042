"""A position's end has come: it is closed, unless its employer closed it before."""

from typing import Final
from uuid import UUID

from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.position import ClosingReason, PositionClosed

from profile_service import positions

EXPIRY: Final = "position_expiry"


def expiry_of(position_id: UUID) -> tuple[str, str]:
    """Kind and key of the work that closes this position at its end."""
    return EXPIRY, str(position_id)


async def expire_position(item: WorkItem, tx: Transaction) -> None:
    position_id = UUID(item.key)
    position = await positions.lock(tx.connection, position_id)
    if position is None or position.closed_at is not None:
        return
    await positions.close(tx.connection, position_id, ClosingReason.EXPIRED, tx.now())
    tx.publish(PositionClosed(position_id=position_id, reason=ClosingReason.EXPIRED, closed_at=tx.now()))
