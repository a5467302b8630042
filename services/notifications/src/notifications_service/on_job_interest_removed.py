"""A job seeker no longer wants to be told of such positions: alerts that were not made yet are not made."""

from chassis.transaction import Transaction
from contracts.profile import JobInterestRemoved

from notifications_service import interests


async def on_job_interest_removed(event: JobInterestRemoved, tx: Transaction) -> None:
    await interests.remove(tx.connection, event.subject_id, event.interest_id)
