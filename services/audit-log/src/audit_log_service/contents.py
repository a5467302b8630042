"""The table `contents`: what events said, sealed as they came, for as long as the people they are about allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.outbox import pack_headers, unpack_headers
from chassis.sql import Connection
from contracts.personal import Category, SubjectId


@dataclass(frozen=True, slots=True)
class Content:
    """One event as it came, beside the entry at the same position."""

    position: int
    event_id: UUID
    subjects: tuple[SubjectId, ...]
    category: Category | None
    headers: Sequence[tuple[str, bytes]]
    body: bytes
    sealed_salt: bytes


async def add(connection: Connection, contents: Sequence[Content]) -> None:
    """Keep these, each beside its entry."""
    await connection.execute(
        "INSERT INTO contents (position, event_id, subject_id, subject_ids, category, headers, body, sealed_salt)"
        " SELECT position, event_id, subject_id, string_to_array(several, ',')::uuid[], category, headers, body,"
        " sealed_salt FROM unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bytea[],"
        " $7::bytea[], $8::bytea[])"
        " AS c(position, event_id, subject_id, several, category, headers, body, sealed_salt)",
        [content.position for content in contents],
        [content.event_id for content in contents],
        [content.subjects[0] if len(content.subjects) == 1 else None for content in contents],
        [",".join(map(str, content.subjects)) if len(content.subjects) > 1 else None for content in contents],
        [content.category for content in contents],
        [pack_headers(content.headers) for content in contents],
        [content.body for content in contents],
        [content.sealed_salt for content in contents],
    )


async def find(connection: Connection, position: int) -> Content | None:
    """What the event at this position said; None when it was erased, or never stored."""
    row = await connection.fetchrow(
        "SELECT position, event_id, subject_id, subject_ids, category, headers, body, sealed_salt FROM contents"
        " WHERE position = $1",
        position,
    )
    if row is None:
        return None
    people = row["subject_ids"] or ([row["subject_id"]] if row["subject_id"] is not None else [])
    return Content(
        row["position"],
        row["event_id"],
        tuple(SubjectId(subject) for subject in people),
        Category(row["category"]) if row["category"] is not None else None,
        unpack_headers(row["headers"]),
        row["body"],
        row["sealed_salt"],
    )
