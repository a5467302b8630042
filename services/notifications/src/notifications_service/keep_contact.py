"""Keeps where a person can be reached, sealed under their own key."""

from chassis.transaction import Transaction
from contracts.personal import Personal, SubjectId, UserInformation

from notifications_service import contacts
from notifications_service.contacts import Contact


async def keep_contact(
    subject: SubjectId, name: Personal[str, UserInformation], email: Personal[str, UserInformation], tx: Transaction
) -> None:
    """Store the contact; nothing when it reads as erased."""
    if name.erased or email.erased:
        return
    sealed = tx.seal(Contact(name=name, email=email), subject=subject, record_id=subject, schema="contacts")
    await contacts.put(tx.connection, subject, sealed, tx.now())
