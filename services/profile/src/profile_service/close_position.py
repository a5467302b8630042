"""An employer user closes a position of their employer: nobody else is told of it."""

from uuid import UUID

from chassis.problems import Problem, not_found
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.position import ClosingReason, PositionClosed

from chassis import work
from profile_service import positions
from profile_service.expire_position import expiry_of
from profile_service.publish_position import employer_of


async def close_position(tx: Transaction, subject: SubjectId, position_id: UUID, reason: ClosingReason) -> None:
    """Close it; one that is closed stays as it is.

    Raises:
        Problem: 401 when the profile ended; 403 for another employer's position; 404 for none.
    """
    employer = await employer_of(tx, subject)
    position = await positions.lock(tx.connection, position_id)
    if position is None:
        raise not_found("position")
    if position.employer_id != employer.employer_id:
        raise Problem(403, "forbidden", "Not allowed", "This position is another employer's.")
    if position.closed_at is not None:
        return
    await positions.close(tx.connection, position_id, reason, tx.now())
    await work.cancel(tx.connection, *expiry_of(position_id))
    tx.publish(PositionClosed(position_id=position_id, reason=reason, closed_at=tx.now()))
