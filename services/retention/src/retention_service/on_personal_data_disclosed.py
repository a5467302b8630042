"""A recipient got data of a person: it stands in the register from now on, what and why sealed (S4)."""

from chassis.transaction import Transaction
from contracts.disclosure import PersonalDataDisclosed
from contracts.personal import Personal

from retention_service import disclosures
from retention_service.disclosures import Disclosed, Disclosure


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
