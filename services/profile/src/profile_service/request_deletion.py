"""A person asks to be deleted (A4): restricted at once, deleted for good when the cooling-off is over.

They are told by mail, with a link that takes it back: who did not ask learns of it.
"""

import secrets
from datetime import timedelta
from typing import Final

from chassis.problems import conflict
from chassis.subjects import DELETION_PENDING
from chassis.transaction import Transaction
from contracts.personal import Personal, SubjectId
from contracts.privacy import DeletionRequested
from contracts.profile import DeletionAnnounced, DeletionReason

from profile_service import cancel_tokens, deletions
from profile_service.delete_profile import final_deletion_of
from profile_service.deletions import Deletion
from profile_service.signed_in import signed_in

_TOKEN_BYTES: Final = 32


async def request_deletion(
    tx: Transaction, subject: SubjectId, reason: DeletionReason, cooling_off: timedelta
) -> Deletion:
    """The deletion; asked for again it is the one that runs already, and does not begin anew.

    Raises:
        Problem: 401 when the profile ended; 409 when one of the other scope runs.
    """
    await signed_in(tx, subject)
    pending = await deletions.find(tx.connection, subject)
    if pending is not None:
        if pending.reason is not reason:
            raise conflict("deletion-pending", "A deletion of another scope runs: cancel it first.")
        return pending
    deletion = Deletion(reason, tx.now(), tx.now() + cooling_off)
    await deletions.add(tx.connection, subject, deletion)
    await tx.restrict(subject, DELETION_PENDING)
    kind, key = final_deletion_of(subject)
    tx.enqueue(kind, key, subject=subject, due_at=deletion.final_at)
    tx.publish(
        DeletionRequested(
            subject_id=subject, reason=reason, requested_at=deletion.requested_at, final_at=deletion.final_at
        )
    )
    if deletion.final_at > tx.now():
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        await cancel_tokens.put(tx.connection, subject, token, deletion.final_at)
        tx.publish(DeletionAnnounced(subject_id=subject, final_at=deletion.final_at, cancel_token=Personal(token)))
    return deletion
