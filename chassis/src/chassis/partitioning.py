"""Which partition a key belongs to: Kafka's own rule, so that clients of every language agree.

The client computes the hash in Python for every record, which takes as long as the rest of sending it; keys come back.
"""

from collections.abc import Sequence
from functools import lru_cache

from aiokafka.partitioner import murmur2  # pyright: ignore[reportUnknownVariableType] - the client leaves it untyped


def partition_of(key: bytes, all_partitions: Sequence[int], available: Sequence[int]) -> int:
    """The partition of a key among `all_partitions`, whether or not its leader is there now."""
    return all_partitions[_hash(key) % len(all_partitions)]


def cached() -> int:
    """How many keys' hashes are remembered."""
    return _hash.cache_info().currsize


@lru_cache(maxsize=20_000)
def _hash(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFF_FFFF
