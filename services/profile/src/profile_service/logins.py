"""The table `logins`: who can log in with which e-mail, known by its keyed hash, and which password, known by its hash."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation
from contracts.profile import ProfileKind


class Credential(PersonalRecord):
    """What proves that a person is who they say."""

    password_hash: Personal[str, UserInformation]


@dataclass(frozen=True, slots=True)
class Login:
    """One row; `credential` is a sealed `Credential`."""

    subject_id: SubjectId
    kind: ProfileKind
    email_hash: bytes
    credential: bytes
    used_at: datetime | None = None
    """When it was last used, a day more or less; None when it was not since it is written down."""


async def add(connection: Connection, login: Login, at: datetime) -> bool:
    """False when somebody else has this e-mail; whoever is registering it at this moment is waited for."""
    added = await connection.fetchval(
        "INSERT INTO logins (subject_id, kind, email_hash, credential, changed_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (email_hash) DO NOTHING RETURNING subject_id",
        login.subject_id,
        login.kind,
        login.email_hash,
        login.credential,
        at,
    )
    return added is not None


async def find_by_email(connection: Connection, email_hash: bytes) -> Login | None:
    row = await connection.fetchrow(
        "SELECT subject_id, kind, email_hash, credential, used_at FROM logins WHERE email_hash = $1", email_hash
    )
    return None if row is None else _login(row)


async def find(connection: Connection, subject: SubjectId) -> Login | None:
    row = await connection.fetchrow(
        "SELECT subject_id, kind, email_hash, credential, used_at FROM logins WHERE subject_id = $1", subject
    )
    return None if row is None else _login(row)


async def change_email(connection: Connection, subject: SubjectId, email_hash: bytes, at: datetime) -> bool:
    """False when somebody else has this e-mail; the transaction can then only be rolled back."""
    try:
        await connection.execute(
            "UPDATE logins SET email_hash = $2, changed_at = $3 WHERE subject_id = $1", subject, email_hash, at
        )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def used(connection: Connection, subject: SubjectId, at: datetime) -> None:
    """The person was here."""
    await connection.execute("UPDATE logins SET used_at = $2 WHERE subject_id = $1", subject, at)


async def remove(connection: Connection, subject: SubjectId) -> None:
    await connection.execute("DELETE FROM logins WHERE subject_id = $1", subject)


def _login(row: asyncpg.Record) -> Login:
    return Login(
        SubjectId(row["subject_id"]), ProfileKind(row["kind"]), row["email_hash"], row["credential"], row["used_at"]
    )
