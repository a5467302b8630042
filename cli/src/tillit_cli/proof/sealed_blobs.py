"""Finds the sealed blobs of one person in any bytes: columns, Kafka records, and base64 of them in JSON and headers."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chassis.keys import KeyName
from chassis.sealing import VERSION, BadBlob, BlobHeader, read_header, unseal
from contracts.personal import SubjectId
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ENCODED: Final = rb"[A-Za-z0-9+/_-]*={0,2}"
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """One sealed blob, and where it was."""

    where: str
    content: bytes

    @property
    def header(self) -> BlobHeader:
        return read_header(self.content)


class BlobFinder:
    """Finds blobs whose header names one person, by the bytes that such a header must begin with."""

    def __init__(self, subject: UUID) -> None:
        self._raw = bytes((VERSION,)) + subject.bytes
        # 15 bytes are 20 base64 characters exactly: what comes after them can't change them
        prefix = base64.b64encode(self._raw[:15])
        either = re.escape(prefix) + b"|" + re.escape(prefix.translate(bytes.maketrans(b"+/", b"-_")))
        self._encoded = re.compile(b"(?:" + either + b")" + _ENCODED)

    def blobs_in(self, value: bytes) -> Iterator[bytes]:
        """Every blob of the person in a value: the value itself, one at its end, or any number of them as base64."""
        start = value.find(self._raw)
        while start >= 0:
            if _is_blob(value[start:]):
                yield value[start:]
            start = value.find(self._raw, start + 1)
        for match in self._encoded.finditer(value):
            text = match[0].rstrip(b"=").translate(_STANDARD)
            try:
                blob = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
            except binascii.Error:
                continue
            if blob.startswith(self._raw) and _is_blob(blob):
                yield blob


def open_with_own_keys(blobs: Iterable[FoundBlob], keys: Mapping[KeyName, bytes]) -> list[FoundBlob]:
    """The blobs that do not open with the key that their header names."""
    ciphers = {name: AESGCM(key) for name, key in keys.items()}
    closed: list[FoundBlob] = []
    for blob in blobs:
        header = blob.header
        cipher = ciphers.get(KeyName(SubjectId(header.subject_id), header.category))
        if cipher is None or not _opens(cipher, blob.content):
            closed.append(blob)
    return closed


@dataclass(frozen=True, slots=True)
class Tried:
    """How many pairs of key and blob were tried, and the blobs that some key opened."""

    pairs: int
    opened: list[FoundBlob]


def try_every_key(blobs: Iterable[FoundBlob], keys: Mapping[KeyName, bytes]) -> Tried:
    """Try each key on each blob, with the blob's real header: whose key it is and for what does not matter."""
    ciphers = [AESGCM(key) for key in keys.values()]
    tried, opened = 0, list[FoundBlob]()
    for blob in blobs:
        tried += len(ciphers)
        if any(_opens(cipher, blob.content) for cipher in ciphers):
            opened.append(blob)
    return Tried(tried, opened)


def _is_blob(content: bytes) -> bool:
    try:
        read_header(content)
    except BadBlob:
        return False
    return True


def _opens(cipher: AESGCM, content: bytes) -> bool:
    try:
        unseal(cipher, content)
    except BadBlob:
        return False
    return True
