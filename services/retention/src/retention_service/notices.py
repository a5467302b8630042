"""The table `notices`: one recipient is told of one erasure, correction or restriction, and how far that is (Art. 19)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.personal import SubjectId
from contracts.rights import NoticeKind


class NoticeState(StrEnum):
    """Where a notice stands."""

    WAITING = "waiting"
    """Nobody has tried to tell them yet."""
    CHASED = "chased"
    """They were written to, and it is not certain that they have it: it is tried again."""
    TOLD = "told"
    """They have it."""
    ACKNOWLEDGED = "acknowledged"
    """They answered, signed, that they acted on it."""
    UNRESPONSIVE = "unresponsive"
    """They were reminded for weeks, or could not be reached for as long; nothing more is sent by itself."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One row."""

    notice_id: UUID
    subject_id: SubjectId
    occasion_id: UUID
    kind: NoticeKind
    recipient_id: UUID
    references: tuple[str, ...]
    state: NoticeState
    failures: int
    reminders: int
    made_at: datetime
    told_at: datetime | None
    acknowledged_at: datetime | None


_COLUMNS: Final = (
    "notice_id, subject_id, occasion_id, kind, recipient_id, refs, state, failures, reminders, made_at, told_at,"
    " acknowledged_at"
)


async def make(
    connection: Connection,
    subject: SubjectId,
    occasion_id: UUID,
    kind: NoticeKind,
    references: Mapping[UUID, Sequence[str]],
    *,
    ids: Sequence[UUID],
    at: datetime,
) -> None:
    """One notice for each recipient; one that was told of less on this occasion is told anew of all of it."""
    await connection.executemany(
        "INSERT INTO notices (notice_id, subject_id, occasion_id, kind, recipient_id, refs, made_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (occasion_id, recipient_id) DO UPDATE SET"
        " refs = excluded.refs, state = 'waiting', failures = 0, reminders = 0, made_at = excluded.made_at,"
        " told_at = NULL, acknowledged_at = NULL, acted_at = NULL, answer_signature = NULL"
        " WHERE NOT excluded.refs <@ notices.refs",
        [
            (notice_id, subject, occasion_id, kind, recipient_id, list(refs), at)
            for notice_id, (recipient_id, refs) in zip(ids, references.items(), strict=True)
        ],
    )


async def waiting(connection: Connection, occasion_id: UUID, limit: int) -> list[Notice]:
    """Those of an occasion that nobody has tried to tell yet."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM notices WHERE occasion_id = $1 AND state = 'waiting'"  # noqa: S608
        " ORDER BY recipient_id LIMIT $2",
        occasion_id,
        limit,
    )
    return [_notice(row) for row in rows]


async def find(connection: Connection, notice_id: UUID) -> Notice | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM notices WHERE notice_id = $1", notice_id)  # noqa: S608
    return None if row is None else _notice(row)


async def of_subject(connection: Connection, subject: SubjectId) -> list[Notice]:
    """All of a person, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM notices WHERE subject_id = $1 ORDER BY made_at, notice_id",  # noqa: S608
        subject,
    )
    return [_notice(row) for row in rows]


async def of_occasion(connection: Connection, occasion_id: UUID) -> list[Notice]:
    """All of one erasure or correction."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM notices WHERE occasion_id = $1 ORDER BY recipient_id",  # noqa: S608
        occasion_id,
    )
    return [_notice(row) for row in rows]


async def unchanged(connection: Connection, notices: Sequence[Notice]) -> dict[UUID, Notice]:
    """Those of these that are about the same as when they were read, by id, as they stand now.

    Under the person's lock no other becomes about more: what was told of less has not been told.
    """
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM notices WHERE notice_id = ANY($1::uuid[])",  # noqa: S608
        [one.notice_id for one in notices],
    )
    read = {one.notice_id: one.references for one in notices}
    return {one.notice_id: one for one in map(_notice, rows) if one.references == read[one.notice_id]}


async def tried(connection: Connection, notices: Sequence[Notice], at: datetime) -> None:
    """Keep where these stand after a try: state, failures, reminders and the time they were told."""
    await connection.execute(
        "UPDATE notices SET state = t.state, failures = t.failures, reminders = t.reminders, told_at = t.told_at,"
        " tried_at = $6 FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::timestamptz[])"
        " AS t(notice_id, state, failures, reminders, told_at)"
        " WHERE notices.notice_id = t.notice_id AND notices.state <> 'acknowledged'",
        [one.notice_id for one in notices],
        [one.state for one in notices],
        [one.failures for one in notices],
        [one.reminders for one in notices],
        [one.told_at for one in notices],
        at,
    )


async def unresponsive(connection: Connection, notice_id: UUID) -> None:
    """They had all the time that they get, and did not answer, or could not be reached."""
    await connection.execute(
        "UPDATE notices SET state = 'unresponsive' WHERE notice_id = $1 AND state <> 'acknowledged'", notice_id
    )


async def told_of_erasure(connection: Connection, notice: Notice, at: datetime) -> bool:
    """Whether its recipient has been told that the same disclosures are erased, which says more: so it is told, too."""
    return (
        await connection.fetchval(
            "UPDATE notices AS n SET state = 'told', told_at = coalesce(n.told_at, $2) FROM notices AS e"
            " WHERE n.notice_id = $1 AND n.state <> 'acknowledged' AND n.kind <> 'erasure'"
            " AND e.subject_id = n.subject_id AND e.recipient_id = n.recipient_id AND e.kind = 'erasure'"
            " AND e.told_at IS NOT NULL AND n.refs <@ e.refs RETURNING true",
            notice.notice_id,
            at,
        )
        is True
    )


async def acknowledged(connection: Connection, notice_id: UUID, acted_at: str, signature: str, at: datetime) -> None:
    """Keep the first signed answer; a repeat changes nothing."""
    await connection.execute(
        "UPDATE notices SET state = 'acknowledged', acknowledged_at = $4, acted_at = $2, answer_signature = $3,"
        " told_at = coalesce(told_at, $4) WHERE notice_id = $1 AND state <> 'acknowledged'",
        notice_id,
        acted_at,
        signature,
        at,
    )


async def count_not_told(connection: Connection) -> dict[str, int]:
    """How many stand in each of the states (`NoticeState`) that somebody may have to look at."""
    rows = await connection.fetch(
        "SELECT state, count(*) AS notices FROM notices WHERE state IN ('waiting', 'chased', 'unresponsive')"
        " GROUP BY state"
    )
    return {row["state"]: row["notices"] for row in rows}


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(
        notice_id=row["notice_id"],
        subject_id=SubjectId(row["subject_id"]),
        occasion_id=row["occasion_id"],
        kind=NoticeKind(row["kind"]),
        recipient_id=row["recipient_id"],
        references=tuple(row["refs"]),
        state=NoticeState(row["state"]),
        failures=row["failures"],
        reminders=row["reminders"],
        made_at=row["made_at"],
        told_at=row["told_at"],
        acknowledged_at=row["acknowledged_at"],
    )
