"""A job seeker said what they look for: it is kept, sealed (P4)."""

from chassis.transaction import Transaction
from contracts.profile import JobInterestSaved

from partner_board_service import wishes
from partner_board_service.wishes import Wish


async def on_job_interest_saved(event: JobInterestSaved, tx: Transaction) -> None:
    if event.occupation.erased or event.place.erased:
        return  # their key is gone: there is nothing to keep, and nothing is wrong
    wish = Wish(occupation=event.occupation, place=event.place)
    sealed = tx.seal(wish, subject=event.subject_id, record_id=event.interest_id, schema="wishes")
    await wishes.put(tx.connection, event.interest_id, event.subject_id, sealed, event.saved_at)
