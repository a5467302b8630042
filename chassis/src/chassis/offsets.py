"""The table `offsets`: how far each partition was taken in. The truth; Kafka's committed offsets only follow it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chassis.errors import OffsetMoved
from chassis.sql import Connection


class Advance(NamedTuple):
    """One partition's step: from where this worker believes it stands to where the batch ends."""

    partition: int
    expected: int
    next: int


async def read(connection: Connection, topic: str, partitions: Sequence[int]) -> dict[int, int]:
    """The next offset of each partition; rows are made at 0 where there is none, so that nothing is missed."""
    await connection.execute(
        "INSERT INTO offsets (topic, partition, next_offset) SELECT $1, p, 0 FROM unnest($2::int[]) AS p ORDER BY p"
        " ON CONFLICT DO NOTHING",
        topic,
        partitions,
    )
    rows = await connection.fetch(
        "SELECT partition, next_offset FROM offsets WHERE topic = $1 AND partition = ANY($2::int[])", topic, partitions
    )
    return {row["partition"]: row["next_offset"] for row in rows}


async def advance(connection: Connection, topic: str, steps: Sequence[Advance]) -> None:
    """Compare and set every partition of a batch.

    Raises:
        OffsetMoved: another worker was here; the whole batch must roll back.
    """
    ordered = sorted(steps)
    moved = await connection.fetch(
        "UPDATE offsets SET next_offset = step.next FROM unnest($2::int[], $3::bigint[], $4::bigint[])"
        " AS step(partition, expected, next)"
        " WHERE offsets.topic = $1 AND offsets.partition = step.partition AND offsets.next_offset = step.expected"
        " RETURNING offsets.partition",
        topic,
        [step.partition for step in ordered],
        [step.expected for step in ordered],
        [step.next for step in ordered],
    )
    if len(moved) != len(ordered):
        raise OffsetMoved(f"{topic}: another worker took a partition further")


async def all_of(connection: Connection) -> Mapping[tuple[str, int], int]:
    """Every partition's next offset, for lag and for tools."""
    rows = await connection.fetch("SELECT topic, partition, next_offset FROM offsets ORDER BY topic, partition")
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def pass_over(connection: Connection, beginnings: Mapping[str, Mapping[int, int]]) -> int:
    """Go to where partitions begin that are behind it: the records between are gone. The answer is how many they were."""
    places = [(topic, partition, first) for topic, found in beginnings.items() for partition, first in found.items()]
    rows = await connection.fetch(
        "UPDATE offsets SET next_offset = first FROM (SELECT o.topic, o.partition, o.next_offset, b.first"
        "   FROM unnest($1::text[], $2::int[], $3::bigint[]) AS b(topic, partition, first) JOIN offsets o"
        "   ON o.topic = b.topic AND o.partition = b.partition WHERE o.next_offset < b.first"
        "   ORDER BY o.topic, o.partition FOR UPDATE OF o) AS behind"
        " WHERE offsets.topic = behind.topic AND offsets.partition = behind.partition"
        " RETURNING behind.first - behind.next_offset AS missing",
        [topic for topic, _, _ in places],
        [partition for _, partition, _ in places],
        [first for _, _, first in places],
    )
    return sum(int(row["missing"]) for row in rows)
