"""Shares what one poll brought out to transactions that run side by side, so that none waits for the other's database.

A partition stands in one lane only: the order of its records, and so of every key, is the lane's.
"""

from collections.abc import Sequence
from typing import Final

from chassis.records import Record

MAX_LANES: Final = 3
"""The most transactions of one topic at once; each holds a connection of the pool."""
_RECORDS_PER_LANE: Final = 100
"""With fewer, one more transaction costs more than it saves."""


def lanes(records: Sequence[Record]) -> list[list[Record]]:
    """The records in one to `MAX_LANES` groups of whole partitions, about equally long."""
    by_partition: dict[int, list[Record]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    worth = -(-len(records) // _RECORDS_PER_LANE)
    shares: list[list[Record]] = [[] for _ in range(min(MAX_LANES, len(by_partition), worth))]
    for part in sorted(by_partition.values(), key=len, reverse=True):
        min(shares, key=len).extend(part)
    return shares
