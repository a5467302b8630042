"""The table `residue_scans`: who was asked to look for what an erasure left behind, and what each found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from chassis.sql import Connection
from contracts.personal import SubjectId
from pydantic import TypeAdapter

_FOUND: Final = TypeAdapter(dict[str, int])
_COLUMNS: Final = (
    "nonce, holder, erasure_id, subject_id, attempts, requested_at, asked_at, replied_at, columns, found::text AS found"
)


@dataclass(frozen=True, slots=True)
class HolderScan:
    """One row. `found` counts rows by `table.column`; None while the holder is silent."""

    nonce: str
    holder: str
    erasure_id: UUID
    subject_id: SubjectId
    attempts: int
    requested_at: datetime
    asked_at: datetime
    replied_at: datetime | None
    columns: int | None
    found: Mapping[str, int] | None


async def add(
    connection: Connection, nonce: str, erasure_id: UUID, subject: SubjectId, holders: Collection[str], at: datetime
) -> None:
    """Begin a scan by these holders."""
    await connection.execute(
        "INSERT INTO residue_scans (nonce, holder, erasure_id, subject_id, attempts, requested_at, asked_at)"
        " SELECT $1, holder, $2, $3, 1, $5, $5 FROM unnest($4::text[]) AS holder",
        nonce,
        erasure_id,
        subject,
        sorted(holders),
        at,
    )


async def find(connection: Connection, nonce: str, holder: str) -> HolderScan | None:
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM residue_scans WHERE nonce = $1 AND holder = $2",  # noqa: S608
        nonce,
        holder,
    )
    return None if row is None else _scan(row)


async def ask_silent(
    connection: Connection, nonce: str, at: datetime, *, retired: Collection[str]
) -> Mapping[str, int]:
    """Count one more attempt for each that has not answered and is not retired; the answer is how many each has had."""
    rows = await connection.fetch(
        "UPDATE residue_scans SET attempts = attempts + 1, asked_at = $2 WHERE nonce = $1 AND replied_at IS NULL"
        " AND holder <> ALL($3::text[]) RETURNING holder, attempts",
        nonce,
        at,
        sorted(retired),
    )
    return {row["holder"]: row["attempts"] for row in rows}


async def answered(
    connection: Connection, nonce: str, holder: str, columns: int, found: Mapping[str, int], at: datetime
) -> bool:
    """Keep a holder's first answer; False when it was a repeat, which changes nothing."""
    first = await connection.fetchval(
        "UPDATE residue_scans SET replied_at = $5, columns = $3, found = $4::text::jsonb"
        " WHERE nonce = $1 AND holder = $2 AND replied_at IS NULL RETURNING holder",
        nonce,
        holder,
        columns,
        _FOUND.dump_json(dict(found)).decode(),
        at,
    )
    return first is not None


async def of_erasures(connection: Connection, erasure_ids: Sequence[UUID]) -> dict[UUID, list[HolderScan]]:
    """By erasure, in the order in which they were asked for, and by holder."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM residue_scans WHERE erasure_id = ANY($1::uuid[])"  # noqa: S608
        " ORDER BY erasure_id, requested_at, nonce, holder",
        erasure_ids,
    )
    found: dict[UUID, list[HolderScan]] = {}
    for row in rows:
        found.setdefault(row["erasure_id"], []).append(_scan(row))
    return found


async def waiting_for(connection: Connection, holder: str) -> list[tuple[UUID, str]]:
    """The scans that this holder has not answered, as the erasure and the scan's nonce."""
    rows = await connection.fetch(
        "SELECT erasure_id, nonce FROM residue_scans WHERE holder = $1 AND replied_at IS NULL", holder
    )
    return [(row["erasure_id"], row["nonce"]) for row in rows]


async def count_silent(connection: Connection) -> dict[str, int]:
    """How many scans wait for each holder's answer."""
    rows = await connection.fetch(
        "SELECT holder, count(*) AS scans FROM residue_scans WHERE replied_at IS NULL GROUP BY holder"
    )
    return {row["holder"]: row["scans"] for row in rows}


def _scan(row: asyncpg.Record) -> HolderScan:
    return HolderScan(
        nonce=row["nonce"],
        holder=row["holder"],
        erasure_id=row["erasure_id"],
        subject_id=SubjectId(row["subject_id"]),
        attempts=row["attempts"],
        requested_at=row["requested_at"],
        asked_at=row["asked_at"],
        replied_at=row["replied_at"],
        columns=row["columns"],
        found=None if row["found"] is None else _FOUND.validate_json(row["found"]),
    )
