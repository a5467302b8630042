"""A profile ended for good: the erasure begins (R1, A4)."""

from chassis.reactions import Single
from chassis.transaction import Transaction
from contracts.profile import ProfileDeleted

from retention_service.ask_holders import Asking
from retention_service.begin_erasure import begin_erasure
from retention_service.breaker import Breaker


def on_profile_deleted(asking: Asking, breaker: Breaker) -> Single[ProfileDeleted]:
    """The reaction, with whom it asks and what may hold it back."""

    async def on_profile_deleted(event: ProfileDeleted, tx: Transaction) -> None:
        await begin_erasure(tx, event.subject_id, event.reason, asking, breaker)

    return on_profile_deleted
