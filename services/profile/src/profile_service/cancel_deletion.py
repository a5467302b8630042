"""A person takes their deletion back within the cooling-off: everything is as it was."""

from chassis.keys import LOG_KEY
from chassis.problems import not_found
from chassis.service import Service
from chassis.sql import borrow
from chassis.subjects import DELETION_PENDING
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.privacy import DeletionCancelled

from chassis import work
from profile_service import cancel_tokens, deletions
from profile_service.delete_profile import final_deletion_of
from profile_service.signed_in import signed_in


async def cancel_deletion(tx: Transaction, subject: SubjectId) -> None:
    """Cancel it. Whichever has the person's lock first decides: this, or the final deletion.

    Raises:
        Problem: 401 when it is final; 404 when none was asked for.
    """
    await signed_in(tx, subject)
    if not await deletions.remove(tx.connection, subject):
        raise not_found("deletion")
    await cancel_tokens.remove(tx.connection, subject)
    await tx.lift_restriction(subject, DELETION_PENDING)
    await work.cancel(tx.connection, *final_deletion_of(subject))
    tx.publish(DeletionCancelled(subject_id=subject, cancelled_at=tx.now()))


async def cancel_by_link(service: Service, token: str) -> None:
    """The same for whoever has the link of the mail, who need not log in (A4).

    Raises:
        Problem: 404 when the link leads to nothing (any more); 401 when the deletion is final.
    """
    async with borrow(service.database.pool) as connection:
        subject = await cancel_tokens.whose(connection, token, service.clock.now())
    if subject is None:
        raise not_found("deletion")
    async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:
        if await cancel_tokens.whose(tx.connection, token, tx.now()) != subject:
            raise not_found("deletion")
        await cancel_deletion(tx, subject)
