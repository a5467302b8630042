"""The tree is RFC 6962's: held against the definition, written out as the RFC has it, for every small size and proof."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from contracts.merkle import (
    EMPTY_ROOT,
    BadProof,
    Leaves,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
)
from hypothesis import given
from hypothesis import strategies as st

MOST = 70
LEAVES = [leaf_hash(bytes([n])) for n in range(MOST)]


def mth(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, word by word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = max(2**n for n in range(7) if 2**n < len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: Sequence[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(hashes) == 1:
        return []
    k = max(2**n for n in range(7) if 2**n < len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: Sequence[bytes], whole: bool) -> list[bytes]:
    """RFC 6962, 2.1.2."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = max(2**n for n in range(7) if 2**n < len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def part(leaves: Leaves) -> bytes:
    return mth(LEAVES[leaves.start : leaves.end])


@pytest.mark.parametrize("size", range(MOST + 1))
def test_the_root_of_every_small_tree_is_the_rfcs(size: int) -> None:
    assert root_of(LEAVES[:size]) == mth(LEAVES[:size])


def test_known_roots_are_those_that_others_publish() -> None:
    # the test vectors of Certificate Transparency's reference implementation
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of(hashes[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_inclusion_proof_is_the_rfcs_and_proves_its_leaf_only(size: int) -> None:
    root = mth(LEAVES[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, part)
        assert proof == path(index, LEAVES[:size])
        check_inclusion(LEAVES[index], index, size, proof, root)
        with pytest.raises(BadProof):
            check_inclusion(leaf_hash(b"another"), index, size, proof, root)
        with pytest.raises(BadProof):
            check_inclusion(LEAVES[index], index, size, [*proof, root], root)
        if proof:
            with pytest.raises(BadProof):
                check_inclusion(LEAVES[index], index, size, proof[:-1], root)


@pytest.mark.parametrize("second", range(1, MOST + 1))
def test_every_consistency_proof_is_the_rfcs_and_proves_no_other_past(second: int) -> None:
    new = mth(LEAVES[:second])
    for first in range(1, second + 1):
        old = mth(LEAVES[:first])
        proof = consistency_proof(first, second, part)
        assert proof == subproof(first, LEAVES[:second], True)
        check_consistency(first, second, proof, old, new)
        with pytest.raises(BadProof):
            check_consistency(first, second, proof, leaf_hash(b"another past"), new)
        with pytest.raises(BadProof):
            check_consistency(first, second, [*proof, new], old, new)


def test_an_empty_tree_begins_every_tree_and_nothing_else_does() -> None:
    check_consistency(0, 5, [], EMPTY_ROOT, mth(LEAVES[:5]))
    with pytest.raises(BadProof):
        check_consistency(0, 5, [], mth(LEAVES[:1]), mth(LEAVES[:5]))
    with pytest.raises(BadProof):
        check_consistency(5, 4, [], mth(LEAVES[:5]), mth(LEAVES[:4]))


@given(st.data())
def test_a_proof_with_any_byte_changed_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, size, part)
    step, at = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 31))
    proof[step] = proof[step][:at] + bytes([proof[step][at] ^ data.draw(st.integers(1, 255))]) + proof[step][at + 1 :]
    with pytest.raises(BadProof):
        check_inclusion(LEAVES[index], index, size, proof, mth(LEAVES[:size]))
