"""Custody of key-encryption keys, split: each place holds a share that opens nothing; a majority of them makes the key.

Shamir's secret sharing over GF(2^8), byte by byte (the field of AES, x^8 + x^4 + x^3 + x + 1). A share names its epoch
and the digest of the whole, so that shares of different keys are never joined.
"""

import secrets
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from retention_service import durable_files
from retention_service.kek import KEK_BYTES, BadKeks, put_epoch

_MOST_PLACES: Final = 9


class Share(BaseModel):
    """One place's share of one epoch's key, as its file holds it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    epoch: int = Field(ge=1)
    number: int = Field(ge=1, le=_MOST_PLACES)
    need: int = Field(ge=2, le=_MOST_PLACES)
    digest: str
    """SHA-256 of the key: random, so it tells nothing of it."""
    share: str = Field(min_length=2 * KEK_BYTES, max_length=2 * KEK_BYTES)


class Custody:
    """The places where shares are kept: folders on volumes that belong to different people."""

    def __init__(self, places: Sequence[Path]) -> None:
        if not 2 <= len(places) <= _MOST_PLACES:
            raise BadKeks(f"TILLIT_KEK_CUSTODY must name 2 to {_MOST_PLACES} places: one place alone is no split")
        self._places = places
        self._need = len(places) // 2 + 1

    def keep(self, epoch: int, kek: bytes) -> None:
        """Put a share of this key into every place, durable.

        Raises:
            BadKeks: a place can't be written; the epoch must not be used.
        """
        digest = sha256(kek).hexdigest()
        parts = split(kek, len(self._places), self._need)
        for place, (number, part) in zip(self._places, parts.items(), strict=True):
            share = Share(epoch=epoch, number=number, need=self._need, digest=digest, share=part.hex())
            try:
                durable_files.write(_file(place, epoch), share.model_dump_json().encode())
            except OSError as error:
                raise BadKeks(f"the custody place {number} can't be written ({error.strerror}): mount it") from None

    def let_go(self, epoch: int) -> None:
        """Destroy every share of this epoch.

        Raises:
            BadKeks: a place can't be reached; a majority of old shares would still make the key.
        """
        for number, place in enumerate(self._places, start=1):
            file = _file(place, epoch)
            try:
                if place.is_dir() and not file.exists():
                    continue
                durable_files.write(file, secrets.token_bytes(256))
                file.unlink()
            except OSError as error:
                raise BadKeks(f"the custody place {number} can't be cleared ({error.strerror}): mount it") from None


def restore_epochs(places: Sequence[Path], directory: Path) -> list[int]:
    """Make every epoch's file anew that enough of these places have shares of, and that is not there; their numbers.

    Raises:
        BadKeks: shares are too few, damaged, or of different keys.
    """
    shares: dict[int, list[Share]] = {}
    for file in sorted(file for place in places for file in place.glob("epoch-*.share")):
        try:
            share = Share.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            raise BadKeks(f"{file.name} of a custody place is no share: leave that place out") from None
        shares.setdefault(share.epoch, []).append(share)
    if not shares:
        raise BadKeks("no share was found in these places")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made: list[int] = []
    for epoch, found in sorted(shares.items()):
        if not (directory / f"epoch-{epoch:06}.kek").exists():
            put_epoch(directory, epoch, _joined(epoch, found))
            made.append(epoch)
    return made


def split(secret: bytes, shares: int, need: int) -> Mapping[int, bytes]:
    """Shares by number, from 1; any `need` of them join to the secret, and fewer tell nothing of it."""
    parts = {number: bytearray() for number in range(1, shares + 1)}
    for byte in secret:
        coefficients = [byte, *secrets.token_bytes(need - 1)]
        for number, part in parts.items():
            value = 0
            for coefficient in reversed(coefficients):
                value = _times(value, number) ^ coefficient
            part.append(value)
    return {number: bytes(part) for number, part in parts.items()}


def join(shares: Mapping[int, bytes]) -> bytes:
    """The secret, when these are enough shares of one; other bytes when they are not."""
    weights: dict[int, int] = {}
    for number in shares:
        weight = 1
        for other in shares:
            if other != number:
                weight = _times(weight, _times(other, _inverse(other ^ number)))
        weights[number] = weight
    size = min(len(part) for part in shares.values())
    secret = bytearray(size)
    for number, part in shares.items():
        for place in range(size):
            secret[place] ^= _times(part[place], weights[number])
    return bytes(secret)


def _joined(epoch: int, shares: Sequence[Share]) -> bytes:
    need, digest = shares[0].need, shares[0].digest
    if any(share.digest != digest for share in shares):
        raise BadKeks(f"the shares of epoch {epoch} are of different keys: leave the wrong place out")
    parts = {share.number: bytes.fromhex(share.share) for share in shares}
    if len(parts) < need:
        raise BadKeks(f"epoch {epoch} needs {need} shares, and {len(parts)} were found: name more places")
    kek = join(dict(list(parts.items())[:need]))
    if sha256(kek).hexdigest() != digest:
        raise BadKeks(f"the shares of epoch {epoch} do not make its key: one of them is damaged")
    return kek


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _inverse(a: int) -> int:
    result = 1
    for _ in range(254):  # a^254 is the inverse: the field has 255 elements but zero
        result = _times(result, a)
    return result


def _file(place: Path, epoch: int) -> Path:
    return place / f"epoch-{epoch:06}.share"
