"""A blob opens as what it was sealed as, under its own key, or not at all."""

import os
from uuid import UUID, uuid4

import pytest
from chassis.sealing import KEY_BYTES, NONCE_BYTES, BadBlob, BlobHeader, belongs_to, read_header, seal, unseal
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

KEY = AESGCM(os.urandom(KEY_BYTES))
HEADER = BlobHeader(UUID(int=7), "user_information", UUID(int=9), "contacts")
PAYLOAD = b'{"name":"Kari Nordmann"}'

ascii_names = st.text(st.characters(codec="ascii"), max_size=255)
headers = st.builds(BlobHeader, st.uuids(), ascii_names, st.uuids(), ascii_names)


def other_headers() -> list[BlobHeader]:
    """The header with one thing changed, for each thing."""
    return [
        BlobHeader(uuid4(), HEADER.category, HEADER.record_id, HEADER.schema),
        BlobHeader(HEADER.subject_id, "communication", HEADER.record_id, HEADER.schema),
        BlobHeader(HEADER.subject_id, HEADER.category, uuid4(), HEADER.schema),
        BlobHeader(HEADER.subject_id, HEADER.category, HEADER.record_id, "mails"),
    ]


@given(headers, st.binary(max_size=500))
def test_what_was_sealed_opens_and_says_what_it_is(header: BlobHeader, payload: bytes) -> None:
    blob = seal(KEY, header, payload)
    assert unseal(KEY, blob) == payload
    assert read_header(blob) == header
    assert belongs_to(blob, header)


def test_every_changed_byte_of_a_blob_is_refused() -> None:
    blob = seal(KEY, HEADER, PAYLOAD)
    for place in range(len(blob)):
        for change in (0x01, 0x80, 0xFF):
            changed = bytearray(blob)
            changed[place] ^= change
            with pytest.raises(BadBlob):
                unseal(KEY, bytes(changed))


def test_every_truncated_or_lengthened_blob_is_refused() -> None:
    blob = seal(KEY, HEADER, PAYLOAD)
    for end in range(len(blob)):
        with pytest.raises(BadBlob):
            unseal(KEY, blob[:end])
    with pytest.raises(BadBlob):
        unseal(KEY, blob + b"\0")


@given(st.binary(max_size=300))
def test_bytes_that_are_no_blob_are_refused_and_never_crash(noise: bytes) -> None:
    for data in (noise, b"\x01" + noise):
        with pytest.raises(BadBlob):
            unseal(KEY, data)


@pytest.mark.parametrize("other", other_headers(), ids=["person", "category", "record", "schema"])
def test_a_blob_cannot_be_moved_to_another_person_category_record_or_schema(other: BlobHeader) -> None:
    blob = seal(KEY, HEADER, PAYLOAD)
    assert not belongs_to(blob, other)
    moved = other.to_bytes() + blob[len(HEADER.to_bytes()) :]
    assert belongs_to(moved, other)
    with pytest.raises(BadBlob):
        unseal(KEY, moved)


def test_a_blob_does_not_open_under_another_key() -> None:
    with pytest.raises(BadBlob):
        unseal(AESGCM(os.urandom(KEY_BYTES)), seal(KEY, HEADER, PAYLOAD))


def test_equal_payloads_are_not_seen_to_be_equal() -> None:
    first, second = seal(KEY, HEADER, PAYLOAD), seal(KEY, HEADER, PAYLOAD)
    start = len(HEADER.to_bytes())
    assert first[start : start + NONCE_BYTES] != second[start : start + NONCE_BYTES]
    assert first[start + NONCE_BYTES :] != second[start + NONCE_BYTES :]
    assert PAYLOAD not in first


def test_a_header_that_names_no_ascii_category_is_refused_when_read() -> None:
    blob = bytearray(seal(KEY, HEADER, PAYLOAD))
    blob[18] = 0xC3
    with pytest.raises(BadBlob, match="names no category"):
        read_header(bytes(blob))


@given(headers, headers)
def test_a_blob_belongs_to_its_own_header_only(first: BlobHeader, second: BlobHeader) -> None:
    assert belongs_to(seal(KEY, first, b""), second) == (first == second)
