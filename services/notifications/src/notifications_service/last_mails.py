"""The table `last_mails`: the address of a person who is being erased, for one mail more, and how that mail ended."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.communication import LastMailOutcome
from contracts.personal import Personal, PersonalRecord, RightsCase, SubjectId


class LastLetter(PersonalRecord):
    """What the mail is to say beside its fixed words."""

    link: Personal[str, RightsCase]
    recipients: Personal[tuple[str, ...], RightsCase]


@dataclass(frozen=True, slots=True)
class LastMailRow:
    """One row. Contact and letter are sealed, and None once the mail has ended."""

    mail_id: UUID
    contact: bytes | None
    letter: bytes | None
    give_up_at: datetime | None
    outcome: LastMailOutcome | None


async def keep(
    connection: Connection, erasure_id: UUID, subject: SubjectId, mail_id: UUID, contact: bytes | None, at: datetime
) -> None:
    """Keep the address of this erasure's person, as it is sealed in `contacts`; one that is kept already stays."""
    await connection.execute(
        "INSERT INTO last_mails (erasure_id, subject_id, mail_id, contact, kept_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (erasure_id) DO NOTHING",
        erasure_id,
        subject,
        mail_id,
        contact,
        at,
    )


async def find(connection: Connection, erasure_id: UUID, subject: SubjectId) -> LastMailRow | None:
    row = await connection.fetchrow(
        "SELECT mail_id, contact, letter, give_up_at, outcome FROM last_mails"
        " WHERE erasure_id = $1 AND subject_id = $2",
        erasure_id,
        subject,
    )
    if row is None:
        return None
    outcome = None if row["outcome"] is None else LastMailOutcome(row["outcome"])
    return LastMailRow(row["mail_id"], row["contact"], row["letter"], row["give_up_at"], outcome)


async def write(connection: Connection, erasure_id: UUID, letter: bytes, give_up_at: datetime) -> None:
    """Keep what the mail is to say, in place of an older form of it."""
    await connection.execute(
        "UPDATE last_mails SET letter = $2, give_up_at = $3 WHERE erasure_id = $1 AND ended_at IS NULL",
        erasure_id,
        letter,
        give_up_at,
    )


async def end(connection: Connection, erasure_id: UUID, outcome: LastMailOutcome, at: datetime) -> None:
    """Forget address and letter."""
    await connection.execute(
        "UPDATE last_mails SET contact = NULL, letter = NULL, outcome = $2, ended_at = $3"
        " WHERE erasure_id = $1 AND ended_at IS NULL",
        erasure_id,
        outcome,
        at,
    )
