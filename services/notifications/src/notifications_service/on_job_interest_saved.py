"""A job seeker asked to be told of such positions: they are, from the next one on (P4)."""

from chassis.transaction import Transaction
from contracts.personal import ERASED
from contracts.profile import JobInterestSaved

from notifications_service import interests
from notifications_service.compared import compared
from notifications_service.interests import Interest


async def on_job_interest_saved(event: JobInterestSaved, tx: Transaction) -> None:
    occupation, place = event.occupation.reveal(), event.place.reveal()
    if occupation is ERASED or place is ERASED:
        return
    await interests.put(
        tx.connection,
        Interest(
            event.interest_id,
            event.subject_id,
            occupation=compared(occupation),
            place=(compared(place) or None) if place is not None else None,
            saved_at=event.saved_at,
        ),
    )
