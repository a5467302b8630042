"""Holds the audit log's database against the published log: the same leaves, and entries that are what they say."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from contracts.log_audit import LogBroken
from contracts.log_leaf import BadLeaf, commitment_bytes, read_leaf
from contracts.merkle import leaf_hash

from tillit_cli.operator_calls import LogEntry, LogRow


class Compared(NamedTuple):
    """How many rows agree, and how many of them wait for their events to be replayed."""

    rows: int
    without_entry: int


async def compare(
    rows: AsyncIterator[LogRow], leaves: Sequence[bytes], progress: Callable[[int, int], None]
) -> Compared:
    """Every published leaf has its row; what the database has beyond the checkpoint is not looked at.

    Raises:
        LogBroken: a row is missing, or is not what was published; it names the first.
    """
    done = without_entry = 0
    async for row in rows:
        if done == len(leaves):
            break
        if row.index != done:
            raise LogBroken("the database has no row of it", done)
        if leaf_hash(row.leaf) != leaves[done]:
            raise LogBroken("the database has other bytes for it than were published", done)
        if row.entry is None:
            without_entry += 1
        elif (wrong := _difference(row.leaf, row.entry)) is not None:
            raise LogBroken(f"the row at position {row.entry.position} has another {wrong} than was published", done)
        done += 1
        if done % 1000 == 0:
            progress(done, len(leaves))
    if done < len(leaves):
        raise LogBroken("the database has no row of it", done)
    return Compared(done, without_entry)


def _difference(published: bytes, entry: LogEntry) -> str | None:
    """The first field in which the entry is not what its leaf says."""
    try:
        leaf = read_leaf(published)
    except BadLeaf:
        return "form"
    pairs = {
        "type": (leaf.type, entry.type),
        "source": (leaf.source, entry.source),
        "schema": (leaf.schema, entry.schema_name),
        "hour": (leaf.hour, entry.hour),
        "commitment": (leaf.commitment, commitment_bytes(entry.commitment)),
    }
    return next((name for name, (said, stored) in pairs.items() if said != stored), None)
