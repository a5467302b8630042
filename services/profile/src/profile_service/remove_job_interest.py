"""A job seeker no longer looks for such positions."""

from uuid import UUID

from chassis.problems import not_found
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.profile import JobInterestRemoved

from profile_service import job_interests
from profile_service.signed_in import signed_in


async def remove_job_interest(tx: Transaction, subject: SubjectId, interest_id: UUID) -> None:
    """Remove one of the person's own interests.

    Raises:
        Problem: 401 when the profile ended; 404 when they have no such interest.
    """
    await signed_in(tx, subject)
    if not await job_interests.remove(tx.connection, subject, interest_id):
        raise not_found("job interest")
    tx.publish(JobInterestRemoved(subject_id=subject, interest_id=interest_id, removed_at=tx.now()))
