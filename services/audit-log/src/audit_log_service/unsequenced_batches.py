"""The table `unsequenced_batches`: entries that have no leaf in the tree yet. The database itself adds each new entry."""

from chassis.sql import Connection


async def take(connection: Connection, limit: int) -> list[range]:
    """The positions that waited longest, in order; they wait no more once the transaction commits.

    Args:
        limit: how many positions at most; a single batch that has more is taken whole.
    """
    ranges = await connection.fetchval(
        "WITH taken AS (DELETE FROM unsequenced_batches WHERE first IN (SELECT first FROM ("
        "   SELECT first, sum(size) OVER (ORDER BY first) AS upto, size"
        "   FROM (SELECT first, size FROM unsequenced_batches ORDER BY first LIMIT $1) AS oldest"
        " ) AS counted WHERE upto <= $1 OR upto = size) RETURNING waiting) SELECT range_agg(waiting) FROM taken",
        limit,
    )
    return [range(one.lower, one.upper) for one in ranges or ()]


async def count(connection: Connection) -> int:
    """How many entries wait for their leaf."""
    return int(await connection.fetchval("SELECT coalesce(sum(size), 0) FROM unsequenced_batches"))
