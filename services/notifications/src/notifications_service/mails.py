"""The table `mails`: the communication log. What a mail says, to which address and of what, is sealed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.communication import MessageKind
from contracts.personal import Communication, Personal, PersonalRecord, SubjectId


class MailState(StrEnum):
    """Where a mail stands. Only a waiting one changes."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class Mail(PersonalRecord):
    """What a mail says, and to whom."""

    address: Personal[str, Communication]
    subject_line: Personal[str, Communication]
    text: Personal[str, Communication]
    position_id: Personal[UUID | None, Communication]


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mail with what it says sealed."""

    mail_id: UUID
    subject_id: SubjectId
    kind: MessageKind
    state: MailState
    mail: bytes
    made_at: datetime
    ended_at: datetime | None


async def add(
    connection: Connection, mail_id: UUID, subject: SubjectId, kind: MessageKind, mail: bytes, at: datetime
) -> None:
    """Keep a mail that is to be sent."""
    await connection.execute(
        "INSERT INTO mails (mail_id, subject_id, kind, mail, made_at) VALUES ($1, $2, $3, $4, $5)",
        mail_id,
        subject,
        kind,
        mail,
        at,
    )


async def find_waiting(connection: Connection, mail_id: UUID) -> MailRow | None:
    """The mail, if it is still to be sent."""
    row = await connection.fetchrow(
        "SELECT mail_id, subject_id, kind, state, mail, made_at, ended_at FROM mails"
        " WHERE mail_id = $1 AND state = 'waiting'",
        mail_id,
    )
    return _mail_row(row) if row is not None else None


async def end(
    connection: Connection, mail_id: UUID, state: MailState, at: datetime, *, smtp_code: int | None = None
) -> bool:
    """Record how a waiting mail ended; False when it does not wait, or was erased meanwhile."""
    ended = await connection.fetchval(
        "UPDATE mails SET state = $2, ended_at = $3, smtp_code = $4 WHERE mail_id = $1 AND state = 'waiting'"
        " RETURNING mail_id",
        mail_id,
        state,
        at,
        smtp_code,
    )
    return ended is not None


async def sent_to(connection: Connection, subject: SubjectId, *, before: UUID | None, limit: int) -> list[MailRow]:
    """What was sent to this person, newest first, older than the mail `before`."""
    rows = await connection.fetch(
        "SELECT mail_id, subject_id, kind, state, mail, made_at, ended_at FROM mails"
        " WHERE subject_id = $1 AND state = 'sent' AND ($2::uuid IS NULL OR mail_id < $2) ORDER BY mail_id DESC LIMIT $3",
        subject,
        before,
        limit,
    )
    return [_mail_row(row) for row in rows]


def _mail_row(row: asyncpg.Record) -> MailRow:
    return MailRow(
        row["mail_id"],
        SubjectId(row["subject_id"]),
        MessageKind(row["kind"]),
        MailState(row["state"]),
        row["mail"],
        row["made_at"],
        row["ended_at"],
    )
