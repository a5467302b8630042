"""A person is to be erased: what is held of them in these categories goes, and retention gets a signed answer (A4).

Where `communication` is not asked for, the mails that were sent stay until their own rule ends them (R4); the person
is restricted by then, so nothing that waits is sent. The address is kept aside, sealed as it is, for the last mail.
"""

from chassis.clock import new_id
from chassis.transaction import Transaction
from contracts.personal import Category
from contracts.privacy import ErasureRequested

from notifications_service import contacts, last_mails
from notifications_service.holder import HOLDER


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    if Category.USER_INFORMATION in event.categories:
        contact = await contacts.find(tx.connection, event.subject_id)
        if contact is not None:
            await last_mails.keep(
                tx.connection, event.erasure_id, event.subject_id, new_id(tx.clock), contact, tx.now()
            )
    await HOLDER.erase(event, tx)
