"""The table `unsequenced_batches`: entries that have no leaf in the tree yet. The database itself adds each new entry."""

from chassis.sql import Connection


async def take(connection: Connection, limit: int) -> list[int]:
    """The positions that waited longest, in order; they wait no more once the transaction commits.

    Args:
        limit: how many positions at most; a single batch that has more is taken whole.
    """
    rows = await connection.fetch(
        "DELETE FROM unsequenced_batches WHERE first IN (SELECT first FROM ("
        "   SELECT first, sum(cardinality(positions)) OVER (ORDER BY first) AS upto, cardinality(positions) AS own"
        "   FROM (SELECT first, positions FROM unsequenced_batches ORDER BY first LIMIT $1) AS oldest"
        " ) AS counted WHERE upto <= $1 OR upto = own) RETURNING positions",
        limit,
    )
    return sorted(position for row in rows for position in row["positions"])


async def count(connection: Connection) -> int:
    """How many entries wait for their leaf."""
    return int(await connection.fetchval("SELECT coalesce(sum(cardinality(positions)), 0) FROM unsequenced_batches"))
