"""The table `leaves`: the tree's leaves in their order, without gaps, each with the entry that it commits to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from chassis.sql import Connection

_LOCK: Final = 0x7411_0A0D


class NewLeaf(NamedTuple):
    """A leaf to be appended; `position` is None while its event is to be replayed."""

    position: int | None
    commitment: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A leaf in its place."""

    index: int
    position: int | None
    leaf: bytes


async def let_nobody_else_append(connection: Connection) -> None:
    """Until this transaction ends, leaves are appended by it alone: two workers never number the same place."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def count(connection: Connection) -> int:
    """The size of the tree."""
    return int(await connection.fetchval("SELECT coalesce(max(leaf_index) + 1, 0) FROM leaves"))


async def append(connection: Connection, start: int, new: Sequence[NewLeaf]) -> None:
    """Number these from `start` on, which is the size of the tree; any other number fails."""
    if new:
        numbered = ((index, *leaf) for index, leaf in enumerate(new, start))
        columns = ("leaf_index", *NewLeaf._fields)
        await connection.copy_records_to_table("leaves", records=numbered, columns=columns)


async def attach(connection: Connection, new: Sequence[NewLeaf]) -> set[int]:
    """Give leaves that were taken back the entries of their replayed events; the answer is the positions that had one."""
    rows = await connection.fetch(
        "UPDATE leaves SET position = e.position FROM unnest($1::bigint[], $2::bytea[]) AS e(position, commitment)"
        " WHERE leaves.position IS NULL AND leaves.commitment = e.commitment RETURNING e.position",
        [leaf.position for leaf in new],
        [leaf.commitment for leaf in new],
    )
    return {row["position"] for row in rows}


async def without_entry(connection: Connection) -> int:
    """How many leaves wait for their events to be replayed."""
    return int(await connection.fetchval("SELECT count(*) FROM leaves WHERE position IS NULL"))


async def between(connection: Connection, start: int, end: int) -> list[StoredLeaf]:
    """The leaves from `start` up to, but not including, `end`, in order."""
    rows = await connection.fetch(
        "SELECT leaf_index, position, leaf FROM leaves WHERE leaf_index >= $1 AND leaf_index < $2 ORDER BY leaf_index",
        start,
        end,
    )
    return [StoredLeaf(row["leaf_index"], row["position"], row["leaf"]) for row in rows]


async def index_of(connection: Connection, commitment: bytes) -> int | None:
    """Where the event with this commitment stands."""
    return await connection.fetchval("SELECT min(leaf_index) FROM leaves WHERE commitment = $1", commitment)
