"""The table `resumes`: a job seeker's resume, sealed."""

from datetime import datetime

from chassis.sql import Connection
from contracts.personal import Personal, PersonalRecord, SubjectId, UserInformation


class Resume(PersonalRecord):
    """A resume as JSON text in the form of JSON Resume."""

    document: Personal[str, UserInformation]


async def put(connection: Connection, subject: SubjectId, resume: bytes, at: datetime) -> None:
    """Keep this resume, in place of an older one."""
    await connection.execute(
        "INSERT INTO resumes (subject_id, resume, stored_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (subject_id) DO UPDATE SET resume = excluded.resume, stored_at = excluded.stored_at",
        subject,
        resume,
        at,
    )


async def find(connection: Connection, subject: SubjectId) -> bytes | None:
    return await connection.fetchval("SELECT resume FROM resumes WHERE subject_id = $1", subject)
