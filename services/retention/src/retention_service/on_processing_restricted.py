"""Data of a person is restricted: whoever received such data is told to use it no more for now (GDPR Art. 18, 19).

Of what is erased by now they were told so, which says more.
"""

from chassis.transaction import Transaction
from contracts.rights import NoticeKind, ProcessingRestricted

from retention_service.tell_recipients import go_on_or_tell, make_notices


async def on_processing_restricted(event: ProcessingRestricted, tx: Transaction) -> None:
    state = tx.state(event.subject_id)
    concerned = [category for category in event.categories if not state.is_erased(category)]
    await make_notices(tx, event.subject_id, event.restriction_id, NoticeKind.RESTRICTION, concerned)
    await go_on_or_tell(tx, event.restriction_id, event.subject_id)
