"""A person corrected their details: from now on they are reached at the new ones (A3)."""

from chassis.transaction import Transaction
from contracts.profile import ProfileCorrected

from notifications_service.keep_contact import keep_contact


async def on_profile_corrected(event: ProfileCorrected, tx: Transaction) -> None:
    await keep_contact(event.subject_id, event.name, event.email, tx)
