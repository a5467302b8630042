"""The table `erasure_holders`: whom each erasure asked, how often, and what each erased."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import SubjectId
from contracts.receipt_files import HolderPart
from pydantic import TypeAdapter

_ROWS: Final = TypeAdapter(dict[str, int])
_FORMER: Final = TypeAdapter(dict[str, HolderPart])


@dataclass(frozen=True, slots=True)
class AskedHolder:
    """One row. `rows` is what it erased, by table, and `statement` what the receipt shows; None while it is silent.

    `former` is what it stated in answer to former askings, oldest first: what went then is in no later answer.
    """

    holder: str
    attempts: int
    asked_at: datetime
    replied_at: datetime | None
    rows: Mapping[str, int] | None
    statement: HolderPart | None
    former: Sequence[HolderPart]


@dataclass(frozen=True, slots=True)
class Answered:
    """An erasure that a holder answered, and when the answer was taken in."""

    erasure_id: UUID
    replied_at: datetime


async def add(
    connection: Connection, erasure_id: UUID, subject: SubjectId, holders: Collection[str], at: datetime
) -> None:
    """Ask these holders too; those that are asked already stay as they are."""
    await connection.execute(
        "INSERT INTO erasure_holders (erasure_id, holder, subject_id, attempts, asked_at)"
        " SELECT $1, holder, $2, 1, $4 FROM unnest($3::text[]) AS holder ON CONFLICT DO NOTHING",
        erasure_id,
        subject,
        sorted(holders),
        at,
    )


async def add_to_all(
    connection: Connection, erasures: Mapping[UUID, SubjectId], holder: str, at: datetime
) -> set[UUID]:
    """Ask this holder in each of these erasures; the answer is in which it was not asked yet."""
    rows = await connection.fetch(
        "INSERT INTO erasure_holders (erasure_id, holder, subject_id, attempts, asked_at)"
        " SELECT erasure_id, $3, subject_id, 1, $4 FROM unnest($1::uuid[], $2::uuid[]) AS e(erasure_id, subject_id)"
        " ORDER BY erasure_id ON CONFLICT DO NOTHING RETURNING erasure_id",
        list(erasures),
        list(erasures.values()),
        holder,
        at,
    )
    return {row["erasure_id"] for row in rows}


async def of_erasure(connection: Connection, erasure_id: UUID) -> list[AskedHolder]:
    """Everybody it asked, by name."""
    return (await of_erasures(connection, [erasure_id])).get(erasure_id, [])


async def of_erasures(connection: Connection, erasure_ids: Sequence[UUID]) -> dict[UUID, list[AskedHolder]]:
    rows = await connection.fetch(
        "SELECT erasure_id, holder, attempts, asked_at, replied_at, rows::text AS rows,"
        " statement::text AS statement, former::text AS former FROM erasure_holders"
        " WHERE erasure_id = ANY($1::uuid[]) ORDER BY erasure_id, holder",
        erasure_ids,
    )
    found: dict[UUID, list[AskedHolder]] = {}
    for row in rows:
        erased = None if row["rows"] is None else _ROWS.validate_json(row["rows"])
        stated = None if row["statement"] is None else HolderPart.model_validate_json(row["statement"])
        former = sorted(_FORMER.validate_json(row["former"]).values(), key=lambda part: part.asking)
        asked = AskedHolder(row["holder"], row["attempts"], row["asked_at"], row["replied_at"], erased, stated, former)
        found.setdefault(row["erasure_id"], []).append(asked)
    return found


async def ask_silent(
    connection: Connection, erasure_id: UUID, silent: Collection[str], at: datetime
) -> Mapping[str, int]:
    """Count one more attempt for each of these; the answer is how many each has had."""
    rows = await connection.fetch(
        "UPDATE erasure_holders SET attempts = attempts + 1, asked_at = $2"
        " WHERE erasure_id = $1 AND replied_at IS NULL AND holder = ANY($3::text[]) RETURNING holder, attempts",
        erasure_id,
        at,
        sorted(silent),
    )
    return {row["holder"]: row["attempts"] for row in rows}


async def ask_anew(connection: Connection, erasure_id: UUID, former_nonce: str, at: datetime) -> None:
    """All are asked once more: their answers to this nonce complete nothing now, and stand in the receipt all the same."""
    await connection.execute(
        "UPDATE erasure_holders SET attempts = 1, asked_at = $2, replied_at = NULL, rows = NULL, statement = NULL,"
        " former = CASE WHEN statement IS NULL THEN former ELSE former || jsonb_build_object($3::text, statement) END"
        " WHERE erasure_id = $1",
        erasure_id,
        at,
        former_nonce,
    )


async def answered_late(connection: Connection, erasure_id: UUID, former_nonce: str, statement: HolderPart) -> None:
    """Keep the first answer to a former asking that came after the next had begun."""
    await connection.execute(
        "UPDATE erasure_holders SET former = jsonb_build_object($3::text, $4::text::jsonb) || former"
        " WHERE erasure_id = $1 AND holder = $2",
        erasure_id,
        statement.holder,
        former_nonce,
        statement.model_dump_json(),
    )


async def answered(
    connection: Connection, erasure_id: UUID, rows: Mapping[str, int], statement: HolderPart, at: datetime
) -> None:
    """Keep a holder's first answer; a repeat changes nothing."""
    await connection.execute(
        "UPDATE erasure_holders SET replied_at = $5, rows = $3::text::jsonb, statement = $4::text::jsonb"
        " WHERE erasure_id = $1 AND holder = $2 AND replied_at IS NULL",
        erasure_id,
        statement.holder,
        _ROWS.dump_json(dict(rows)).decode(),
        statement.model_dump_json(),
        at,
    )


async def answered_since(
    connection: Connection, holder: str, moment: datetime, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Answered]:
    """Which erasures this holder answered since a moment, in the order of its answers, after one told before."""
    at, erasure_id = after or (None, None)
    rows = await connection.fetch(
        "SELECT erasure_id, replied_at FROM erasure_holders WHERE holder = $1 AND replied_at >= $2"
        " AND ($3::timestamptz IS NULL OR (replied_at, erasure_id) > ($3, $4::uuid))"
        " ORDER BY replied_at, erasure_id LIMIT $5",
        holder,
        moment,
        at,
        erasure_id,
        limit,
    )
    return [Answered(row["erasure_id"], row["replied_at"]) for row in rows]


async def waiting_for(connection: Connection, holder: str) -> list[UUID]:
    """The erasures that this holder has not answered."""
    rows = await connection.fetch(
        "SELECT erasure_id FROM erasure_holders WHERE holder = $1 AND replied_at IS NULL", holder
    )
    return [row["erasure_id"] for row in rows]


async def count_silent(connection: Connection) -> dict[str, int]:
    """How many erasures wait for each holder's answer."""
    rows = await connection.fetch(
        "SELECT holder, count(*) AS erasures FROM erasure_holders WHERE replied_at IS NULL GROUP BY holder"
    )
    return {row["holder"]: row["erasures"] for row in rows}
