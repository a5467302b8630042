"""The table `disclosures`: who received data of whom, when, and under which reference. What and why is sealed (S4)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import Category, Personal, PersonalRecord, RightsCase, SubjectId


class Disclosed(PersonalRecord):
    """Which fields, and why."""

    fields: Personal[tuple[str, ...], RightsCase]
    why: Personal[str, RightsCase]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One row."""

    disclosure_id: UUID
    subject_id: SubjectId
    recipient_id: UUID
    reference: str
    data_category: Category
    what: bytes
    disclosed_at: datetime


async def insert(connection: Connection, disclosure: Disclosure) -> None:
    await connection.execute(
        "INSERT INTO disclosures (disclosure_id, subject_id, recipient_id, reference, data_category, what, disclosed_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (disclosure_id) DO NOTHING",
        disclosure.disclosure_id,
        disclosure.subject_id,
        disclosure.recipient_id,
        disclosure.reference,
        disclosure.data_category,
        disclosure.what,
        disclosure.disclosed_at,
    )


async def references(
    connection: Connection, subject: SubjectId, categories: Collection[Category]
) -> dict[UUID, list[str]]:
    """Under which references each recipient knows what it received of these categories of a person."""
    rows = await connection.fetch(
        "SELECT recipient_id, array_agg(reference ORDER BY disclosed_at, disclosure_id) AS refs FROM disclosures"
        " WHERE subject_id = $1 AND data_category = ANY($2::text[]) GROUP BY recipient_id ORDER BY recipient_id",
        subject,
        sorted(categories),
    )
    return {row["recipient_id"]: list(row["refs"]) for row in rows}


async def page(
    connection: Connection, subject: SubjectId, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Disclosure]:
    """What was disclosed of a person, newest first."""
    rows = await connection.fetch(
        "SELECT disclosure_id, subject_id, recipient_id, reference, data_category, what, disclosed_at FROM disclosures"
        " WHERE subject_id = $1 AND ($2::timestamptz IS NULL OR (disclosed_at, disclosure_id) < ($2, $3::uuid))"
        " ORDER BY disclosed_at DESC, disclosure_id DESC LIMIT $4",
        subject,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [
        Disclosure(
            row["disclosure_id"],
            SubjectId(row["subject_id"]),
            row["recipient_id"],
            row["reference"],
            Category(row["data_category"]),
            row["what"],
            row["disclosed_at"],
        )
        for row in rows
    ]
