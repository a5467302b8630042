"""The table `registration`: which holder declaration was published last."""

from datetime import datetime

from chassis.sql import Connection


async def remember(connection: Connection, holder: str, digest: bytes, at: datetime) -> bool:
    """True when this declaration is new, and is now the one that was published."""
    changed = await connection.fetchval(
        "INSERT INTO registration (holder, digest, registered_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (holder) DO UPDATE SET digest = excluded.digest, registered_at = excluded.registered_at"
        " WHERE registration.digest <> excluded.digest RETURNING holder",
        holder,
        digest,
        at,
    )
    return changed is not None
