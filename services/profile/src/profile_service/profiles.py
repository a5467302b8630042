"""The table `profiles`: who has a profile, with their details sealed. A profile that ended is found by nobody."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation
from contracts.profile import HomeAddress, ProfileKind


class Details(PersonalRecord):
    """Contact details and date of birth (D1, D2)."""

    name: Personal[str, UserInformation]
    email: Personal[str, UserInformation]
    phone: Personal[str | None, UserInformation]
    home_address: Personal[HomeAddress | None, UserInformation]
    date_of_birth: Personal[date | None, UserInformation]


@dataclass(frozen=True, slots=True)
class Profile:
    """One row; `details` is sealed `Details`."""

    subject_id: SubjectId
    kind: ProfileKind
    employer_id: UUID | None
    details: bytes
    registered_at: datetime
    corrected_at: datetime | None = None


async def add(connection: Connection, profile: Profile) -> None:
    await connection.execute(
        "INSERT INTO profiles (subject_id, kind, employer_id, details, registered_at) VALUES ($1, $2, $3, $4, $5)",
        profile.subject_id,
        profile.kind,
        profile.employer_id,
        profile.details,
        profile.registered_at,
    )


async def put_back(connection: Connection, profile: Profile) -> bool:
    """False when the row is there, be it of a profile that ended."""
    added = await connection.fetchval(
        "INSERT INTO profiles (subject_id, kind, employer_id, details, registered_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING subject_id",
        profile.subject_id,
        profile.kind,
        profile.employer_id,
        profile.details,
        profile.registered_at,
    )
    return added is not None


async def find(connection: Connection, subject: SubjectId) -> Profile | None:
    """The profile, unless there is none (any more)."""
    row = await connection.fetchrow(
        "SELECT subject_id, kind, employer_id, details, registered_at, corrected_at FROM profiles"
        " WHERE subject_id = $1 AND deleted_at IS NULL",
        subject,
    )
    if row is None:
        return None
    return Profile(
        SubjectId(row["subject_id"]),
        ProfileKind(row["kind"]),
        row["employer_id"],
        row["details"],
        row["registered_at"],
        row["corrected_at"],
    )


async def correct(connection: Connection, subject: SubjectId, details: bytes, at: datetime) -> None:
    await connection.execute(
        "UPDATE profiles SET details = $2, corrected_at = $3 WHERE subject_id = $1", subject, details, at
    )


async def end(connection: Connection, subject: SubjectId, at: datetime) -> None:
    """From now on nothing of it is served; its erasure deletes the row."""
    await connection.execute("UPDATE profiles SET deleted_at = $2 WHERE subject_id = $1", subject, at)
