"""The cooling-off is over: the profile ends for good, and its erasure begins (R1, A4)."""

from typing import Final

from chassis.errors import SubjectGone
from chassis.keys import KeyName
from chassis.logs import get_logger
from chassis.service import Service
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish
from contracts.personal import Category, SubjectId
from contracts.profile import DeletionReason, ProfileDeleted

from profile_service import deletions, logins, profiles

FINAL_DELETION: Final = "final_deletion"
_CATEGORY: Final = Category.USER_INFORMATION
_log = get_logger()


def final_deletion_of(subject: SubjectId) -> tuple[str, str]:
    """Kind and key of the work that ends this person's profile."""
    return FINAL_DELETION, str(subject)


class FinalDeletion:
    """The errand `final_deletion`. The rest goes with the erasure, in every service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def run(self, item: WorkItem) -> None:
        """End the profile, also of a person whose key a restored keyring has lost: nobody waits for it for ever.

        Raises:
            KeyringUnavailable: the item is done again later.
        """
        subject = item.subject_id
        if subject is None:
            return
        lives = await self._has_key(subject)
        async with self._service.database.transaction([subject], cause=cause_of(item)) as tx:
            await finish(item, tx)
            deletion = await deletions.find(tx.connection, subject)
            if tx.state(subject).is_erased(_CATEGORY) or deletion is None:
                return
            if await profiles.find(tx.connection, subject) is None:
                return
            if lives:
                await end_profile(tx, subject, deletion.reason)
            else:
                await _close(tx, subject)

    async def _has_key(self, subject: SubjectId) -> bool:
        """Whether the event that begins the erasure can be said: a lost key is made anew for it, a destroyed one is not."""
        keys = self._service.database.keys
        if (await keys.fetch([KeyName(subject, _CATEGORY)])).find(KeyName(subject, _CATEGORY)) is not None:
            return True
        try:
            await keys.make(subject, [_CATEGORY])
        except SubjectGone:
            _log.error("final_deletion.key_destroyed", cure="the person is erased: `tillit erasures show`, then scan")
            return False
        _log.error("final_deletion.key_lost", cure="the keyring was restored without it: see the keyring's runbook")
        return True


async def _close(tx: Transaction, subject: SubjectId) -> None:
    """Their keys are destroyed, so their erasure was asked for before: what is left here is only shut."""
    await logins.remove(tx.connection, subject)
    await profiles.end(tx.connection, subject, tx.now())


async def end_profile(tx: Transaction, subject: SubjectId, reason: DeletionReason) -> None:
    """No login and no token opens it from now on."""
    await _close(tx, subject)
    tx.publish(ProfileDeleted(subject_id=subject, reason=reason, deleted_at=tx.now()))
