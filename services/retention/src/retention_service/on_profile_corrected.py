"""A person corrected their details: whoever received such details is told that they changed, and not what (Art. 19)."""

from chassis.clock import new_id
from chassis.transaction import Transaction
from contracts.personal import Category
from contracts.profile import ProfileCorrected
from contracts.rights import NoticeKind

from retention_service.tell_recipients import go_on_or_tell, make_notices


async def on_profile_corrected(event: ProfileCorrected, tx: Transaction) -> None:
    occasion_id = new_id(tx.clock)
    await make_notices(tx, event.subject_id, occasion_id, NoticeKind.CORRECTION, [Category.USER_INFORMATION])
    await go_on_or_tell(tx, occasion_id, event.subject_id)
