"""The hashes and proofs of an append-only Merkle tree, as RFC 6962, section 2.1, has them.

Proofs are named by ranges of leaves, so that they can be made from whatever stores hashes, and are checked from
nothing but themselves.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


class BadProof(ValueError):
    """The proof does not show what it should."""


class Leaves(NamedTuple):
    """The leaves from `start` up to, but not including, `end`; the hash of this part of the tree stands in a proof."""

    start: int
    end: int


class Subtree(NamedTuple):
    """A complete part of the tree: 2**height leaves, and its number among those of its size."""

    height: int
    number: int


RootOf = Callable[[Leaves], bytes]
"""The hash of a part of the tree, from wherever hashes are kept."""


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these, in order: leaves, or subtrees of one size of which only the last may be incomplete."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = [*pairs, level[-1]] if len(level) % 2 else pairs
    return level[0]


def subtrees(leaves: Leaves) -> list[Subtree]:
    """The complete subtrees that make up a part of a proof, from left to right: each is smaller than the one before.

    The part begins where a subtree of at least its size does, as every part of a proof.
    """
    found: list[Subtree] = []
    start, end = leaves
    while start < end:
        height = (end - start).bit_length() - 1
        found.append(Subtree(height, start >> height))
        start += 1 << height
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash of subtrees that become smaller from left to right."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def inclusion_parts(index: int, size: int) -> list[Leaves]:
    """What proves that a leaf is in the tree of this size: from its sibling up to a child of the root."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in a tree of this size")
    parts: list[Leaves] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            parts.append(Leaves(middle, end))
            end = middle
        else:
            parts.append(Leaves(start, middle))
            start = middle
    return parts[::-1]


def consistency_parts(first: int, second: int) -> list[Leaves]:
    """What proves that the tree of size `second` begins with the tree of size `first`."""
    if not 0 < first <= second:
        raise ValueError("the first size must be at least 1 and at most the second")
    parts: list[Leaves] = []
    start, end, whole = 0, second, True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            parts.append(Leaves(middle, end))
            end = middle
        else:
            parts.append(Leaves(start, middle))
            start, whole = middle, False
    if not whole:
        parts.append(Leaves(start, end))
    return parts[::-1]


def inclusion_proof(index: int, size: int, root: RootOf) -> list[bytes]:
    return [root(part) for part in inclusion_parts(index, size)]


def consistency_proof(first: int, second: int, root: RootOf) -> list[bytes]:
    return [root(part) for part in consistency_parts(first, second)]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """The leaf with this hash stands at this index of the tree with this root (RFC 9162, 2.1.3.2).

    Raises:
        BadProof: that is not shown.
    """
    if not 0 <= index < size:
        raise BadProof("the leaf is not in a tree of this size")
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise BadProof("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise BadProof("the proof is too short")
    if found != root:
        raise BadProof("the proof leads to another root")


def check_consistency(first: int, second: int, proof: Sequence[bytes], first_root: bytes, second_root: bytes) -> None:
    """The second tree begins with the first (RFC 9162, 2.1.4.2); an empty first tree begins every other.

    Raises:
        BadProof: that is not shown.
    """
    if not 0 <= first <= second:
        raise BadProof("the first tree is larger than the second")
    if first in (0, second):
        if proof:
            raise BadProof("the proof is too long")
        if first_root != (EMPTY_ROOT if first == 0 else second_root):
            raise BadProof("two trees of one size have different roots")
        return
    steps = list(proof) if first & (first - 1) else [first_root, *proof]
    if not steps:
        raise BadProof("the proof is too short")
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise BadProof("the proof is too long")
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise BadProof("the proof is too short")
    if (old, new) != (first_root, second_root):
        raise BadProof("the proof leads to other roots")


def _split(size: int) -> int:
    """The largest power of two that is smaller than the size."""
    return 1 << ((size - 1).bit_length() - 1)
