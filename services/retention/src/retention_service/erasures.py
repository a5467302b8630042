"""The table `erasures`: which person is being erased, and how far it has come. Stages only move on, or back to asking."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.communication import LastMailOutcome
from contracts.personal import Category, SubjectId
from contracts.profile import DeletionReason

from retention_service.erasure import Erasure as Erasure
from retention_service.erasure_stages import Stage as Stage
from retention_service.erasure_stages import StageCount

_COLUMNS: Final = (
    "erasure_id, subject_id, reason, categories, nonce, former_nonces, asking, receipt, receipt_name, policy, stage,"
    " fence_id, requested_at, due_at, answered_at, fenced_at, told_at, mailed_at, mail_outcome, done_at"
)


async def insert(connection: Connection, erasure: Erasure) -> None:
    """Begin an erasure, in the stage of asking."""
    await connection.execute(
        "INSERT INTO erasures (erasure_id, subject_id, reason, categories, nonce, receipt, receipt_name, policy,"
        " stage, requested_at, due_at, asking) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'asking', $9, $10, $11)",
        erasure.erasure_id,
        erasure.subject_id,
        erasure.reason,
        sorted(erasure.categories),
        erasure.nonce,
        erasure.receipt,
        erasure.receipt_name,
        erasure.policy,
        erasure.requested_at,
        erasure.due_at,
        erasure.asking,
    )


async def begun_since(connection: Connection, moment: datetime) -> int:
    """How many were asked for after this moment."""
    return int(await connection.fetchval("SELECT count(*) FROM erasures WHERE requested_at > $1", moment))


async def find(connection: Connection, erasure_id: UUID) -> Erasure | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM erasures WHERE erasure_id = $1", erasure_id)  # noqa: S608
    return None if row is None else _erasure(row)


async def find_all(connection: Connection, erasure_ids: Sequence[UUID]) -> dict[UUID, Erasure]:
    """Those that there are, by id."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM erasures WHERE erasure_id = ANY($1::uuid[])",  # noqa: S608
        erasure_ids,
    )
    return {row["erasure_id"]: _erasure(row) for row in rows}


async def with_receipt(connection: Connection, receipt_name: str) -> Erasure | None:
    """The erasure that the receipt of this name is of."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM erasures WHERE receipt_name = $1", receipt_name)  # noqa: S608
    return None if row is None else _erasure(row)


async def open_of(connection: Connection, subject: SubjectId) -> Erasure | None:
    """The person's erasure that is not done, if there is one; there is never a second."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM erasures WHERE subject_id = $1 AND stage <> 'done'",  # noqa: S608
        subject,
    )
    return None if row is None else _erasure(row)


async def newest_of(connection: Connection, subject: SubjectId, category: Category) -> Erasure | None:
    """The person's latest erasure, open or done, that erases this category."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM erasures WHERE subject_id = $1 AND $2 = ANY(categories)"  # noqa: S608
        " ORDER BY requested_at DESC, erasure_id DESC LIMIT 1",
        subject,
        category,
    )
    return None if row is None else _erasure(row)


async def widen(connection: Connection, wider: Erasure) -> None:
    """Erase more categories in the same erasure: it asks anew, and answers to the former nonce no longer count."""
    await connection.execute(
        "UPDATE erasures SET reason = $2, categories = $3, former_nonces = former_nonces || nonce, nonce = $4, asking = $5,"
        " stage = 'asking', answered_at = NULL, fence_id = NULL, fenced_at = NULL, told_at = NULL, mailed_at = NULL,"
        " mail_outcome = NULL, done_at = NULL WHERE erasure_id = $1",
        wider.erasure_id,
        wider.reason,
        sorted(wider.categories),
        wider.nonce,
        wider.asking,
    )


async def reopen(connection: Connection, again: Erasure) -> None:
    """From done back to asking: something was left behind. Answers to the former nonce no longer count."""
    await connection.execute(
        "UPDATE erasures SET former_nonces = former_nonces || nonce, nonce = $2, asking = $3, stage = 'asking',"
        " answered_at = NULL, fence_id = NULL, fenced_at = NULL, told_at = NULL, mailed_at = NULL,"
        " mail_outcome = NULL, done_at = NULL WHERE erasure_id = $1 AND stage = 'done'",
        again.erasure_id,
        again.nonce,
        again.asking,
    )


async def wait_for_delivery(connection: Connection, erasure_id: UUID) -> None:
    """From asking, before anybody was asked, to delivering."""
    await connection.execute(
        "UPDATE erasures SET stage = 'delivering' WHERE erasure_id = $1 AND stage = 'asking'", erasure_id
    )


async def delivered(connection: Connection, erasure_id: UUID) -> None:
    """From delivering to asking."""
    await connection.execute(
        "UPDATE erasures SET stage = 'asking' WHERE erasure_id = $1 AND stage = 'delivering'", erasure_id
    )


async def all_answered(connection: Connection, erasure_id: UUID, at: datetime) -> None:
    """From asking to fencing."""
    await connection.execute(
        "UPDATE erasures SET stage = 'fencing', answered_at = $2 WHERE erasure_id = $1 AND stage = 'asking'",
        erasure_id,
        at,
    )


async def before_the_keys_go(connection: Connection) -> dict[UUID, SubjectId]:
    """Who can still be asked for, by erasure; none of these goes on before the transaction ends."""
    rows = await connection.fetch(
        "SELECT erasure_id, subject_id FROM erasures WHERE stage IN ('asking', 'fencing', 'telling', 'mailing')"
        " ORDER BY erasure_id FOR UPDATE"
    )
    return {row["erasure_id"]: SubjectId(row["subject_id"]) for row in rows}


async def back_to_asking(connection: Connection, erasure_ids: Collection[UUID]) -> set[UUID]:
    """Somebody more must answer: what was reached since is reached again. The answer is which no longer asked."""
    rows = await connection.fetch(
        "UPDATE erasures SET stage = 'asking', answered_at = NULL, fence_id = NULL, fenced_at = NULL, told_at = NULL"
        " WHERE erasure_id = ANY($1::uuid[]) AND stage IN ('fencing', 'telling', 'mailing') RETURNING erasure_id",
        list(erasure_ids),
    )
    return {row["erasure_id"] for row in rows}


async def without_fence(connection: Connection) -> list[UUID]:
    """Erasures that reached the stage of fencing and have no fence yet."""
    rows = await connection.fetch("SELECT erasure_id FROM erasures WHERE stage = 'fencing' AND fence_id IS NULL")
    return [row["erasure_id"] for row in rows]


async def share_fence(connection: Connection, erasure_ids: Sequence[UUID], fence_id: UUID) -> int:
    """Put these behind a fence taken after they were listed by `without_fence`; the answer is how many."""
    rows = await connection.fetch(
        "UPDATE erasures SET fence_id = $2 WHERE erasure_id = ANY($1::uuid[]) AND stage = 'fencing'"
        " AND fence_id IS NULL RETURNING erasure_id",
        erasure_ids,
        fence_id,
    )
    return len(rows)


async def drop_fence(connection: Connection, fence_id: UUID) -> None:
    """Its erasures need another fence."""
    await connection.execute("UPDATE erasures SET fence_id = NULL WHERE fence_id = $1 AND stage = 'fencing'", fence_id)


async def fences_waited_for(connection: Connection) -> list[UUID]:
    """Every fence that an erasure waits behind."""
    rows = await connection.fetch(
        "SELECT DISTINCT fence_id FROM erasures WHERE stage = 'fencing' AND fence_id IS NOT NULL"
    )
    return [row["fence_id"] for row in rows]


async def behind_fence(connection: Connection, fence_id: UUID) -> Mapping[UUID, SubjectId]:
    """Who waits behind a fence, by erasure."""
    rows = await connection.fetch(
        "SELECT erasure_id, subject_id FROM erasures WHERE fence_id = $1 AND stage = 'fencing'", fence_id
    )
    return {row["erasure_id"]: SubjectId(row["subject_id"]) for row in rows}


async def fence_passed(
    connection: Connection, erasure_ids: Collection[UUID], fence_id: UUID, at: datetime
) -> set[UUID]:
    """From fencing to telling; the answer is which still waited behind this fence."""
    rows = await connection.fetch(
        "UPDATE erasures SET stage = 'telling', fenced_at = $3 WHERE erasure_id = ANY($1::uuid[])"
        " AND stage = 'fencing' AND fence_id = $2 RETURNING erasure_id",
        list(erasure_ids),
        fence_id,
        at,
    )
    return {row["erasure_id"] for row in rows}


async def told(connection: Connection, erasure_id: UUID, at: datetime) -> None:
    """From telling to mailing."""
    await connection.execute(
        "UPDATE erasures SET stage = 'mailing', told_at = $2 WHERE erasure_id = $1 AND stage = 'telling'",
        erasure_id,
        at,
    )


async def mailed(connection: Connection, erasure_id: UUID, outcome: LastMailOutcome, at: datetime) -> None:
    """From mailing to destroying. The link's number is forgotten: from now on only who has the mail has it."""
    await connection.execute(
        "UPDATE erasures SET stage = 'destroying', mailed_at = $3, mail_outcome = $2, receipt = NULL"
        " WHERE erasure_id = $1 AND stage = 'mailing'",
        erasure_id,
        outcome,
        at,
    )


async def finish(connection: Connection, erasure_id: UUID, at: datetime) -> None:
    """From destroying to done, in the transaction that destroys the keys."""
    await connection.execute(
        "UPDATE erasures SET stage = 'done', done_at = $2 WHERE erasure_id = $1 AND stage = 'destroying'",
        erasure_id,
        at,
    )


async def forget_receipt_number(connection: Connection, erasure_id: UUID) -> None:
    """The person has the link by now: from here on nobody else can fetch the receipt by what stands here."""
    await connection.execute("UPDATE erasures SET receipt = NULL WHERE erasure_id = $1", erasure_id)


async def page(
    connection: Connection, *, subject: UUID | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Erasure]:
    """Newest first, of everybody or of one person."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM erasures WHERE ($1::uuid IS NULL OR subject_id = $1)"  # noqa: S608
        " AND ($2::timestamptz IS NULL OR (requested_at, erasure_id) < ($2, $3::uuid))"
        " ORDER BY requested_at DESC, erasure_id DESC LIMIT $4",
        subject,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [_erasure(row) for row in rows]


async def count_open(connection: Connection) -> list[StageCount]:
    rows = await connection.fetch(
        "SELECT stage, count(*) AS erasures, min(requested_at) AS oldest FROM erasures WHERE stage <> 'done'"
        " GROUP BY stage"
    )
    return [StageCount(Stage(row["stage"]), row["erasures"], row["oldest"]) for row in rows]


def _erasure(row: asyncpg.Record) -> Erasure:
    return Erasure(
        erasure_id=row["erasure_id"],
        subject_id=SubjectId(row["subject_id"]),
        reason=DeletionReason(row["reason"]),
        categories=frozenset(Category(category) for category in row["categories"]),
        nonce=row["nonce"],
        former_nonces=frozenset(row["former_nonces"]),
        asking=row["asking"],
        receipt=row["receipt"],
        receipt_name=row["receipt_name"],
        policy=row["policy"],
        stage=Stage(row["stage"]),
        fence_id=row["fence_id"],
        requested_at=row["requested_at"],
        due_at=row["due_at"],
        answered_at=row["answered_at"],
        fenced_at=row["fenced_at"],
        told_at=row["told_at"],
        mailed_at=row["mailed_at"],
        mail_outcome=None if row["mail_outcome"] is None else LastMailOutcome(row["mail_outcome"]),
        done_at=row["done_at"],
    )
