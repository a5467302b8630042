"""A recipient got data of a person: it stands in the register from now on, what and why sealed (S4).

One that comes late (parked and replayed) finds the person's erasure past its telling: it is told of it all the same.
"""

from chassis.transaction import Transaction
from contracts.disclosure import PersonalDataDisclosed
from contracts.personal import Personal

from retention_service import disclosures, erasures
from retention_service.disclosures import Disclosed, Disclosure
from retention_service.tell_recipients import TOLD_IN, ask_to_tell


async def on_personal_data_disclosed(event: PersonalDataDisclosed, tx: Transaction) -> None:
    what = tx.seal(
        Disclosed(fields=Personal(event.fields), why=Personal(event.why)),
        subject=event.subject_id,
        record_id=event.disclosure_id,
        schema="disclosures",
    )
    await disclosures.insert(
        tx.connection,
        Disclosure(
            event.disclosure_id,
            event.subject_id,
            event.recipient_id,
            event.reference,
            event.data_category,
            what,
            event.disclosed_at,
        ),
    )
    erasure = await erasures.newest_of(tx.connection, event.subject_id, event.data_category)
    if erasure is not None and erasure.stage in TOLD_IN:
        ask_to_tell(tx, erasure.erasure_id, event.subject_id)
