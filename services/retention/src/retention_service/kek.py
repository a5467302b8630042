"""The key-encryption keys: files of one directory, one per epoch, that wrap every person's keys and can be destroyed.

The newest epoch wraps; every epoch that a row names is needed to unwrap it. Losing one loses what it wrapped, so a
missing epoch is said loudly and nothing is made in its place.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from chassis.logs import SafeError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FILE: Final = re.compile(r"epoch-(\d{6})\.kek")
_KEK_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class BadKeks(SafeError):
    """The directory of key-encryption keys is not as it must be; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it is stored: useless without the key-encryption key of its epoch."""

    epoch: int
    ciphertext: bytes


class KeyEncryptionKeys:
    """The epochs that were in the directory when it was read."""

    def __init__(self, keks: Mapping[int, bytes]) -> None:
        self._keks = {epoch: AESGCM(kek) for epoch, kek in keks.items()}
        self.newest: Final = max(keks)

    @property
    def epochs(self) -> frozenset[int]:
        return frozenset(self._keks)

    def wrap(self, subject_id: UUID, category: str, key: bytes) -> Wrapped:
        """The key under the newest epoch, bound to whose it is and for what."""
        nonce = os.urandom(_NONCE_BYTES)
        bound = _bound_to(subject_id, category, self.newest)
        return Wrapped(self.newest, nonce + self._keks[self.newest].encrypt(nonce, key, bound))

    def unwrap(self, subject_id: UUID, category: str, wrapped: Wrapped) -> bytes:
        """The key.

        Raises:
            BadKeks: the epoch's file is gone, or the row does not belong to this person, category and epoch.
        """
        kek = self._keks.get(wrapped.epoch)
        if kek is None:
            raise BadKeks(f"the key-encryption key of epoch {wrapped.epoch} is missing: restore its file")
        nonce, sealed = wrapped.ciphertext[:_NONCE_BYTES], wrapped.ciphertext[_NONCE_BYTES:]
        try:
            return kek.decrypt(nonce, sealed, _bound_to(subject_id, category, wrapped.epoch))
        except (InvalidTag, ValueError):
            raise BadKeks(f"a wrapped key does not open under epoch {wrapped.epoch}: it was moved or damaged") from None

    def require(self, epochs: Iterable[int]) -> None:
        """Refuse to go on without an epoch that rows use.

        Raises:
            BadKeks: naming the epochs and the cure.
        """
        missing = set(epochs) - self.epochs
        if missing:
            raise lost(missing)


def lost(epochs: Iterable[int]) -> BadKeks:
    """The refusal to go on without epochs that rows use."""
    return BadKeks(
        f"the database has keys wrapped under epochs {sorted(epochs)}, which TILLIT_KEK_DIR lost: restore their files"
        " from the custody of key-encryption keys; nothing else can open those keys"
    )


def load(directory: Path) -> KeyEncryptionKeys:
    """Every epoch of the directory.

    Raises:
        BadKeks: no epoch is there, one is malformed, or others than the owner may read them.
    """
    try:
        _refuse_others(directory, "700")
        found: dict[int, bytes] = {}
        for entry in directory.iterdir():
            match = _FILE.fullmatch(entry.name)
            if match is not None:
                _refuse_others(entry, "600")
                found[int(match[1])] = entry.read_bytes()
    except OSError as error:
        raise BadKeks(f"TILLIT_KEK_DIR can't be read ({error.strerror}): run this service with `migrate`") from error
    if not found:
        raise BadKeks("TILLIT_KEK_DIR holds no key-encryption key: run this service with `migrate`, which makes one")
    damaged = sorted(epoch for epoch, kek in found.items() if len(kek) != _KEK_BYTES)
    if damaged:
        raise BadKeks(f"the key-encryption keys of epochs {damaged} are damaged: restore their files")
    return KeyEncryptionKeys(found)


def begin_epoch(directory: Path) -> int:
    """Make the next epoch, durable before it is used; the answer is its number."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_others(directory, "700")
    newest = max((int(m[1]) for entry in directory.iterdir() if (m := _FILE.fullmatch(entry.name))), default=0)
    path = _path(directory, newest + 1)
    unfinished = path.with_suffix(".unfinished")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_KEK_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)  # unlike a rename it never replaces an epoch that another process made meanwhile
    except FileExistsError:
        raise BadKeks(f"epoch {newest + 1} was made by another process at the same time: run it again") from None
    finally:
        unfinished.unlink()
    _sync(directory)
    return newest + 1


def destroy_epoch(directory: Path, epoch: int) -> None:
    """Make every copy of what this epoch wrapped unreadable for good. The caller has re-wrapped what must live.

    Raises:
        BadKeks: it is the newest, which still wraps new keys.
    """
    if epoch >= load(directory).newest:
        raise BadKeks(f"epoch {epoch} is the newest: begin the next one and re-wrap its keys first")
    path = _path(directory, epoch)
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(_KEK_BYTES))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    _sync(directory)


def has_epochs(directory: Path) -> bool:
    return directory.is_dir() and any(_FILE.fullmatch(entry.name) for entry in directory.iterdir())


def _path(directory: Path, epoch: int) -> Path:
    return directory / f"epoch-{epoch:06}.kek"


def _bound_to(subject_id: UUID, category: str, epoch: int) -> bytes:
    return b"tillit data key v1\n" + subject_id.bytes + epoch.to_bytes(4, "big") + category.encode("ascii")


def _refuse_others(path: Path, mode: str) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadKeks(f"others than its owner may reach {path.name} of TILLIT_KEK_DIR: chmod {mode} it")


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
