"""The table `unsequenced`: entries that have no leaf in the tree yet. The database itself adds each new entry."""

from chassis.sql import Connection


async def take(connection: Connection, limit: int) -> list[int]:
    """The positions that waited longest, in order; they wait no more once the transaction commits."""
    rows = await connection.fetch(
        "DELETE FROM unsequenced WHERE position IN (SELECT position FROM unsequenced ORDER BY position LIMIT $1)"
        " RETURNING position",
        limit,
    )
    return sorted(row["position"] for row in rows)


async def count(connection: Connection) -> int:
    """How many entries wait for their leaf."""
    return int(await connection.fetchval("SELECT count(*) FROM unsequenced"))
