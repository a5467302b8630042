"""A person made a profile: where they can be reached is kept, and nothing else of it."""

from chassis.transaction import Transaction
from contracts.profile import ProfileRegistered

from notifications_service.keep_contact import keep_contact


async def on_profile_registered(event: ProfileRegistered, tx: Transaction) -> None:
    await keep_contact(event.subject_id, event.name, event.email, tx)
