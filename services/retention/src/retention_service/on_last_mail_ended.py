"""Notifications says how the last mail ended: the keys may be destroyed (A4)."""

from chassis.logs import SafeError
from chassis.transaction import Transaction
from contracts.communication import LastMailEnded

from retention_service import erasures
from retention_service.erasures import Stage
from retention_service.request_last_mail import last_mail_ended


class ForeignEnd(SafeError):
    """The end of a mail that no erasure of ours asked for, or of another person's. It is parked."""


async def on_last_mail_ended(event: LastMailEnded, tx: Transaction) -> None:
    """Let the erasure go on. What comes again, or late, changes nothing."""
    erasure = await erasures.find(tx.connection, event.erasure_id)
    if erasure is None or erasure.subject_id != event.subject_id:
        raise ForeignEnd("the last mail belongs to no erasure of this person")
    if erasure.stage is Stage.MAILING:
        await last_mail_ended(tx, erasure, event.outcome)
