"""The table `exports`: copies of people's data that wait for them. Of one that was fetched, or expired, a row is left."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.sql import Connection
from contracts.personal import SubjectId
from contracts.rights import ExportEnd


@dataclass(frozen=True, slots=True)
class Export:
    """An open one."""

    export_id: UUID
    subject_id: SubjectId
    archive: bytes
    link_sha256: bytes
    opened_by: str
    opened_at: datetime
    expires_at: datetime


async def insert(connection: Connection, export: Export) -> None:
    await connection.execute(
        "INSERT INTO exports (export_id, subject_id, archive, link_sha256, opened_by, opened_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        export.export_id,
        export.subject_id,
        export.archive,
        export.link_sha256,
        export.opened_by,
        export.opened_at,
        export.expires_at,
    )


async def whose(connection: Connection, link_sha256: bytes) -> tuple[UUID, SubjectId] | None:
    """The open export that a link leads to, and whose it is."""
    row = await connection.fetchrow("SELECT export_id, subject_id FROM exports WHERE link_sha256 = $1", link_sha256)
    return None if row is None else (row["export_id"], SubjectId(row["subject_id"]))


async def find_open(connection: Connection, export_id: UUID) -> Export | None:
    """None when it is closed, or never was."""
    row = await connection.fetchrow(
        "SELECT export_id, subject_id, archive, link_sha256, opened_by, opened_at, expires_at FROM exports"
        " WHERE export_id = $1 AND closed_at IS NULL",
        export_id,
    )
    return None if row is None else Export(*row.values())


async def open_of(connection: Connection, subject: SubjectId) -> list[UUID]:
    """Every copy that still waits for this person."""
    rows = await connection.fetch(
        "SELECT export_id FROM exports WHERE subject_id = $1 AND closed_at IS NULL ORDER BY export_id", subject
    )
    return [row["export_id"] for row in rows]


async def are_open(connection: Connection, subject: SubjectId, opened_until: datetime) -> bool:
    """Whether a copy that was there at that moment still waits for this person."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM exports WHERE subject_id = $1 AND closed_at IS NULL AND opened_at <= $2)",
            subject,
            opened_until,
        )
    )


async def close(connection: Connection, export_id: UUID, end: ExportEnd, at: datetime) -> None:
    """Archive and link go; that there was one stays."""
    await connection.execute(
        "UPDATE exports SET archive = NULL, link_sha256 = NULL, closed_at = $3, ended = $2"
        " WHERE export_id = $1 AND closed_at IS NULL",
        export_id,
        end,
        at,
    )
