"""Retention saw nothing of a person for the whole period: whether that is so is decided here, under their lock (R2).

What retention knows is older than what stands here. Who logged in meanwhile stays, and no erasure begins by a stale view.
"""

from chassis.transaction import Transaction
from contracts.profile import DeletionReason
from contracts.rights import InactivitySuspected, StillActive

from profile_service import deletions, logins, profiles
from profile_service.activity import last_activity
from profile_service.delete_profile import end_profile


async def on_inactivity_suspected(event: InactivitySuspected, tx: Transaction) -> None:
    """End the profile when nothing was done since the limit; say so otherwise. A deletion that runs goes its own way."""
    subject = event.subject_id
    profile = await profiles.find(tx.connection, subject)
    if profile is None or await deletions.find(tx.connection, subject) is not None:
        return
    active_at = last_activity(profile, await logins.find(tx.connection, subject))
    if active_at >= event.limit:
        tx.publish(StillActive(subject_id=subject, active_at=active_at))
        return
    await end_profile(tx, subject, DeletionReason.INACTIVE)
