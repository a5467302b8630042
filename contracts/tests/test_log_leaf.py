"""A leaf says what happened, why it may be processed, and nothing of whom; and has one form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from contracts.log_leaf import BadLeaf, commitment_bytes, leaf_bytes, leaf_of, read_leaf
from contracts.profile import ProfileCorrected
from contracts.purposes import LegalBasis, PurposeId

HOUR = datetime(2026, 1, 2, 8, tzinfo=UTC)


def test_a_leaf_is_these_bytes_for_ever() -> None:
    assert leaf_of(ProfileCorrected.type, "profile", HOUR, b"\xab" * 32).to_bytes().decode() == (
        "tillit-leaf/1\n"
        "type profile.corrected.v1\n"
        "source profile\n"
        "schema schemas/profile.corrected.v1.json\n"
        "purposes P1 P2 P8 P9\n"
        "bases 6(1)(b) 6(1)(c) 6(1)(f)\n"
        "hour 2026-01-02T08:00:00+00:00\n"
        f"commitment {'ab' * 32}\n"
    )


def test_a_leaf_is_read_back() -> None:
    leaf = leaf_of(ProfileCorrected.type, "profile", HOUR, b"\x01" * 32)
    assert read_leaf(leaf.to_bytes()) == leaf
    assert leaf.purposes == (PurposeId.P1, PurposeId.P2, PurposeId.P8, PurposeId.P9)
    assert LegalBasis.CONTRACT in leaf.bases


def test_the_quick_way_makes_the_same_bytes() -> None:
    for type_, commitment in ((ProfileCorrected.type, b"\x01" * 32), ("profile.praised.v9", b"\x01")):
        assert leaf_bytes(type_, "profile", HOUR, commitment) == leaf_of(type_, "profile", HOUR, commitment).to_bytes()


def test_of_an_unknown_event_no_purpose_is_claimed() -> None:
    leaf = leaf_of("profile.praised.v9", "stranger", HOUR, b"\x01" * 32)
    assert (leaf.purposes, leaf.bases) == ((), ())
    assert read_leaf(leaf.to_bytes()) == leaf


def test_a_time_zone_changes_nothing() -> None:
    elsewhere = HOUR.astimezone(timezone(timedelta(hours=5, minutes=30)))
    commitment = b"\x01" * 32
    assert leaf_of("a.v1", "b", elsewhere, commitment).to_bytes() == leaf_of("a.v1", "b", HOUR, commitment).to_bytes()


def test_a_commitment_of_any_length_makes_a_leaf_of_the_same_length() -> None:
    assert commitment_bytes(b"\x01" * 32) == b"\x01" * 32
    sizes = {len(leaf_of("a.v1", "b", HOUR, b"\x01" * length).to_bytes()) for length in (1, 31, 32, 33, 100_000)}
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *((b"leaf/1", b"leaf/2"), (b"P1 P2", b"P1  P2"), (b"P1", b"PX"), (b"08:00:00+00:00", b"08:00:00Z")),
        *((b"type ", b"typ "), (b"source profile\n", b""), (b"abab", b"ABAB"), (b"profile", b"pr\xc3\xb8fil")),
        *((b"commitment", b"more x\ncommitment"), (b"2026-01-02", b"2026-13-02")),
    ],
)
def test_bytes_in_another_form_are_no_leaf(old: bytes, new: bytes) -> None:
    data = leaf_of(ProfileCorrected.type, "profile", HOUR, b"\xab" * 32).to_bytes()
    assert old in data
    with pytest.raises(BadLeaf):
        read_leaf(data.replace(old, new, 1))
