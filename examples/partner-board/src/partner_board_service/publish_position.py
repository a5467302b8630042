"""A partner has a position: everybody who listens is told."""

from uuid import UUID

from chassis.clock import new_id
from chassis.transaction import Transaction
from contracts.position import PositionPublished


def publish_position(tx: Transaction, partner_id: UUID, partner: str, title: str, occupation: str, place: str) -> UUID:
    """The id of the position. It is told once the transaction has committed, and not at all if it does not."""
    position = new_id(tx.clock)
    tx.publish(
        PositionPublished(
            position_id=position,
            employer_id=partner_id,
            employer_name=partner,
            title=title,
            occupation=occupation,
            place=place,
            published_at=tx.now(),
        )
    )
    return position
