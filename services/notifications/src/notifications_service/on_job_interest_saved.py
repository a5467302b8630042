"""A job seeker asked to be told of such positions: they are, from the next one on (P4).

What they asked for is kept sealed; what is compared of it, where no backup holds it (R8).
"""

from chassis.transaction import Transaction
from contracts.personal import ERASED
from contracts.profile import JobInterestSaved

from notifications_service import interest_search, interests
from notifications_service.interest_search import as_searched
from notifications_service.interests import Interest, Words


async def on_job_interest_saved(event: JobInterestSaved, tx: Transaction) -> None:
    subject, interest_id = event.subject_id, event.interest_id
    occupation, place = event.occupation.reveal(), event.place.reveal()
    if occupation is ERASED or place is ERASED:
        return
    words = Words(occupation=event.occupation, place=event.place)
    sealed = tx.seal(words, subject=subject, record_id=interest_id, schema="interests")
    if await interests.put(tx.connection, Interest(interest_id, subject, sealed), event.saved_at):
        await interest_search.put(tx.connection, [as_searched(interest_id, subject, occupation, place)])
