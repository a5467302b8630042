"""The table `contacts`: name and address of people, sealed, and nothing else of their profiles."""

from datetime import datetime

from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation


class Contact(PersonalRecord):
    """Where a person can be reached."""

    name: Personal[str, UserInformation]
    email: Personal[str, UserInformation]


async def put(connection: Connection, subject: SubjectId, contact: bytes, at: datetime) -> None:
    """Keep this contact, in place of an older one."""
    await connection.execute(
        "INSERT INTO contacts (subject_id, contact, stored_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (subject_id) DO UPDATE SET contact = excluded.contact, stored_at = excluded.stored_at",
        subject,
        contact,
        at,
    )


async def find(connection: Connection, subject: SubjectId) -> bytes | None:
    """The sealed contact; None for somebody unknown or erased."""
    return await connection.fetchval("SELECT contact FROM contacts WHERE subject_id = $1", subject)
