"""The table `recipient_mails`: mails to organisations that received data, each sent once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.rights import NoticeKind, RecipientMailRequested


@dataclass(frozen=True, slots=True)
class RecipientMail:
    """One row."""

    recipient_id: UUID
    mail: str
    kind: NoticeKind
    references: tuple[str, ...]
    mail_id: UUID
    sent_at: datetime | None


async def add(connection: Connection, event: RecipientMailRequested, mail_id: UUID, at: datetime) -> None:
    """Keep a mail that is to be sent; one that is asked for again stays as it is, unless it is to say more by now."""
    await connection.execute(
        "INSERT INTO recipient_mails (notice_id, reminder, recipient_id, mail, kind, refs, mail_id, asked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (notice_id, reminder) DO UPDATE SET refs = excluded.refs,"
        " mail = excluded.mail, mail_id = excluded.mail_id, asked_at = excluded.asked_at, sent_at = NULL"
        " WHERE NOT excluded.refs <@ recipient_mails.refs",
        event.notice_id,
        event.reminder,
        event.recipient_id,
        event.mail,
        event.kind,
        list(event.references),
        mail_id,
        at,
    )


async def find(connection: Connection, notice_id: UUID, reminder: int) -> RecipientMail | None:
    row = await connection.fetchrow(
        "SELECT recipient_id, mail, kind, refs, mail_id, sent_at FROM recipient_mails"
        " WHERE notice_id = $1 AND reminder = $2",
        notice_id,
        reminder,
    )
    if row is None:
        return None
    return RecipientMail(
        row["recipient_id"],
        row["mail"],
        NoticeKind(row["kind"]),
        tuple(row["refs"]),
        row["mail_id"],
        row["sent_at"],
    )


async def sent(connection: Connection, notice_id: UUID, reminder: int, mail_id: UUID, at: datetime) -> None:
    """This mail went out; one that took its place meanwhile, because it says more, has still to go."""
    await connection.execute(
        "UPDATE recipient_mails SET sent_at = $4 WHERE notice_id = $1 AND reminder = $2 AND mail_id = $3",
        notice_id,
        reminder,
        mail_id,
        at,
    )


async def forget(connection: Connection, before: datetime, limit: int) -> int:
    """Delete mails that were asked for before then; the answer is how many, at most `limit`."""
    tag = await connection.execute(
        "DELETE FROM recipient_mails WHERE (notice_id, reminder) IN"
        " (SELECT notice_id, reminder FROM recipient_mails WHERE asked_at < $1 LIMIT $2)",
        before,
        limit,
    )
    return int(tag.rpartition(" ")[2])
