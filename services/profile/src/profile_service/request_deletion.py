"""A person asks to be deleted (A4): restricted at once, deleted for good when the cooling-off is over."""

from datetime import timedelta

from chassis.problems import conflict
from chassis.subjects import DELETION_PENDING
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.privacy import DeletionRequested
from contracts.profile import DeletionReason

from profile_service import deletions
from profile_service.delete_profile import final_deletion_of
from profile_service.deletions import Deletion
from profile_service.signed_in import signed_in


async def request_deletion(
    tx: Transaction, subject: SubjectId, reason: DeletionReason, cooling_off: timedelta
) -> Deletion:
    """The deletion; asked for again it is the one that runs already, and does not begin anew.

    Raises:
        Problem: 401 when the profile ended; 409 when one of the other scope runs.
    """
    await signed_in(tx, subject)
    pending = await deletions.find(tx.connection, subject)
    if pending is not None:
        if pending.reason is not reason:
            raise conflict("deletion-pending", "A deletion of another scope runs: cancel it first.")
        return pending
    deletion = Deletion(reason, tx.now(), tx.now() + cooling_off)
    await deletions.add(tx.connection, subject, deletion)
    await tx.restrict(subject, DELETION_PENDING)
    kind, key = final_deletion_of(subject)
    tx.enqueue(kind, key, subject=subject, due_at=deletion.final_at)
    tx.publish(
        DeletionRequested(
            subject_id=subject, reason=reason, requested_at=deletion.requested_at, final_at=deletion.final_at
        )
    )
    return deletion
