"""The table `cancel_tokens`: by which link a deletion that runs can be taken back. The token itself is kept nowhere."""

from datetime import datetime
from hashlib import sha256

from chassis.sql import Connection
from contracts.personal import SubjectId


def digest_of(token: str) -> bytes:
    """By which a token is found."""
    return sha256(token.encode()).digest()


async def put(connection: Connection, subject: SubjectId, token: str, final_at: datetime) -> None:
    """Keep the link of this person's deletion, in place of an older one."""
    await connection.execute(
        "INSERT INTO cancel_tokens (token_sha256, subject_id, final_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (subject_id) DO UPDATE SET token_sha256 = excluded.token_sha256, final_at = excluded.final_at",
        digest_of(token),
        subject,
        final_at,
    )


async def whose(connection: Connection, token: str, now: datetime) -> SubjectId | None:
    """Whose deletion the link takes back; None when it is used, over, or none."""
    found = await connection.fetchval(
        "SELECT subject_id FROM cancel_tokens WHERE token_sha256 = $1 AND final_at > $2", digest_of(token), now
    )
    return None if found is None else SubjectId(found)


async def remove(connection: Connection, subject: SubjectId) -> None:
    await connection.execute("DELETE FROM cancel_tokens WHERE subject_id = $1", subject)
