"""Seals and opens blobs: AES-256-GCM under one person's key of one category (crypto-shredding).

A blob is `version(1) subject(16) category(len 1 + ascii) record(16) schema(len 1 + ascii) nonce(12) ciphertext+tag(16)`.
Everything before the nonce is the associated data and travels with it, so a blob can't be moved to another person,
category, record or schema. Nonces are random (NIST SP 800-38D, 8.2.2); one key seals far fewer than 2^32 blobs.
"""

import os
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.logs import SafeError

VERSION: Final = 1
_START: Final = bytes((VERSION,))
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_CATEGORY_START: Final = 18


class BadBlob(SafeError):
    """Not a blob, or its key is there and it does not authenticate: damage or forgery, never an erasure."""


class BlobHeader(NamedTuple):
    """What a blob says of itself, authenticated with it."""

    subject_id: UUID
    category: str
    record_id: UUID
    schema: str

    def to_bytes(self) -> bytes:
        parts = (_START, self.subject_id.bytes, _name(self.category), self.record_id.bytes, _name(self.schema))
        return b"".join(parts)


def blob_start(subject: UUID, category: str) -> bytes:
    """How every blob of this person and category begins."""
    return _START + subject.bytes + _name(category)


def cached() -> int:
    """How many names of categories and schemas are remembered in their packed form."""
    return _name.cache_info().currsize


@lru_cache(maxsize=1_000)
def _name(text: str) -> bytes:
    name = text.encode("ascii")
    return bytes((len(name),)) + name


def seal(key: AESGCM, header: BlobHeader, payload: bytes) -> bytes:
    """The blob of `payload` (bytes of any length) under `key`."""
    associated = header.to_bytes()
    nonce = os.urandom(NONCE_BYTES)
    return associated + nonce + key.encrypt(nonce, payload, associated)


def belongs_to(blob: bytes, header: BlobHeader) -> bool:
    """Whether the blob says exactly this of itself, without reading it field by field."""
    return blob.startswith(header.to_bytes())


def unseal(key: AESGCM, blob: bytes) -> bytes:
    """The payload.

    Raises:
        BadBlob: it is not a blob of ours, or was not sealed under this key with this header.
    """
    header_end = _header_end(blob)
    nonce_end = header_end + NONCE_BYTES
    try:
        return key.decrypt(blob[header_end:nonce_end], blob[nonce_end:], blob[:header_end])
    except InvalidTag:
        raise BadBlob("a sealed blob does not authenticate under its key") from None


def read_header(blob: bytes) -> BlobHeader:
    """What the blob says of itself, not yet authenticated.

    Raises:
        BadBlob: it is not a blob of ours.
    """
    end = _header_end(blob)
    category_end = _CATEGORY_START + blob[_CATEGORY_START - 1]
    try:
        return BlobHeader(
            UUID(bytes=blob[1:17]),
            blob[_CATEGORY_START:category_end].decode("ascii"),
            UUID(bytes=blob[category_end : category_end + 16]),
            blob[category_end + 17 : end].decode("ascii"),
        )
    except UnicodeDecodeError:
        raise BadBlob("a sealed blob names no category or schema of ours") from None


def _header_end(blob: bytes) -> int:
    """Where the associated data ends and the nonce begins."""
    try:
        if blob[0] != VERSION:
            raise BadBlob("a sealed blob has an unknown version")
        schema_start = _CATEGORY_START + blob[_CATEGORY_START - 1] + 17
        end = schema_start + blob[schema_start - 1]
    except IndexError:
        raise BadBlob("not a sealed blob") from None
    if len(blob) < end + NONCE_BYTES + _TAG_BYTES:
        raise BadBlob("a sealed blob is too short")
    return end
