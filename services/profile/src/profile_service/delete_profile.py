"""The cooling-off is over: the profile ends for good, and its erasure begins (R1, A4)."""

from typing import Final

from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.personal import SubjectId
from contracts.profile import DeletionReason, ProfileDeleted

from profile_service import deletions, logins, profiles

FINAL_DELETION: Final = "final_deletion"


def final_deletion_of(subject: SubjectId) -> tuple[str, str]:
    """Kind and key of the work that ends this person's profile."""
    return FINAL_DELETION, str(subject)


async def delete_profile(item: WorkItem, tx: Transaction) -> None:
    """End it. The rest goes with the erasure, in every service."""
    if item.subject_id is None:
        return
    subject = item.subject_id
    deletion = await deletions.find(tx.connection, subject)
    if deletion is None or await profiles.find(tx.connection, subject) is None:
        return
    await end_profile(tx, subject, deletion.reason)


async def end_profile(tx: Transaction, subject: SubjectId, reason: DeletionReason) -> None:
    """No login and no token opens it from now on."""
    await logins.remove(tx.connection, subject)
    await profiles.end(tx.connection, subject, tx.now())
    tx.publish(ProfileDeleted(subject_id=subject, reason=reason, deleted_at=tx.now()))
