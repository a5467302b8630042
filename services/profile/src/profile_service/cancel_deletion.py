"""A person takes their deletion back within the cooling-off: everything is as it was."""

from chassis.problems import not_found
from chassis.subjects import DELETION_PENDING
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.privacy import DeletionCancelled

from chassis import work
from profile_service import deletions
from profile_service.delete_profile import final_deletion_of
from profile_service.signed_in import signed_in


async def cancel_deletion(tx: Transaction, subject: SubjectId) -> None:
    """Cancel it. Whichever has the person's lock first decides: this, or the final deletion.

    Raises:
        Problem: 401 when it is final; 404 when none was asked for.
    """
    await signed_in(tx, subject)
    if not await deletions.remove(tx.connection, subject):
        raise not_found("deletion")
    await tx.lift_restriction(subject, DELETION_PENDING)
    await work.cancel(tx.connection, *final_deletion_of(subject))
    tx.publish(DeletionCancelled(subject_id=subject, cancelled_at=tx.now()))
