"""The key-encryption keys: files of one directory, one per epoch, that wrap every person's keys and can be destroyed.

The newest epoch wraps; every epoch that a row names is needed to unwrap it. Losing one loses what it wrapped, so a
missing epoch is said loudly and nothing is made in its place. A destroyed one leaves a grave, and does not come back.
"""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from chassis.logs import SafeError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from retention_service import durable_files

_FILE: Final = re.compile(r"epoch-(\d{6})\.kek")
_GRAVE: Final = re.compile(r"epoch-(\d{6})\.destroyed")
"""What stays of a destroyed epoch: its number is not used again, and its file, come back, is not believed."""
KEK_BYTES: Final = 32
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

    def __init__(self, keks: Mapping[int, bytes], destroyed: Iterable[int] = ()) -> None:
        self._keks = {epoch: AESGCM(kek) for epoch, kek in keks.items()}
        self.newest: Final = max(keks)
        self.destroyed: Final = frozenset(destroyed)

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
        if kek is None and wrapped.epoch in self.destroyed:
            raise too_old([wrapped.epoch])
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
        if missing & self.destroyed:
            raise too_old(missing & self.destroyed)
        if missing:
            raise lost(missing)


def lost(epochs: Iterable[int]) -> BadKeks:
    """The refusal to go on without epochs that rows use."""
    return BadKeks(
        f"the database has keys wrapped under epochs {sorted(epochs)}, which TILLIT_KEK_DIR lost: restore their files"
        " from the custody of key-encryption keys; nothing else can open those keys"
    )


def too_old(epochs: Iterable[int]) -> BadKeks:
    """The refusal of a database that is older than a rotation."""
    return BadKeks(
        f"the database has keys wrapped under epochs {sorted(epochs)}, which a rotation destroyed: it is a backup from"
        " before that rotation, and nothing opens those keys any more; restore one that was made after it"
    )


def load(directory: Path) -> KeyEncryptionKeys:
    """Every epoch of the directory that is not destroyed.

    Raises:
        BadKeks: no epoch is there, one is malformed, or others than the owner may read them.
    """
    try:
        _refuse_others(directory, "700")
        found: dict[int, bytes] = {}
        graves = _numbers(directory, _GRAVE)
        for entry in directory.iterdir():
            match = _FILE.fullmatch(entry.name)
            if match is not None and int(match[1]) not in graves:
                _refuse_others(entry, "600")
                found[int(match[1])] = entry.read_bytes()
    except OSError as error:
        raise BadKeks(f"TILLIT_KEK_DIR can't be read ({error.strerror}): run this service with `migrate`") from error
    if not found:
        raise BadKeks("TILLIT_KEK_DIR holds no key-encryption key: run this service with `migrate`, which makes one")
    damaged = sorted(epoch for epoch, kek in found.items() if len(kek) != KEK_BYTES)
    if damaged:
        raise BadKeks(f"the key-encryption keys of epochs {damaged} are damaged: restore their files")
    return KeyEncryptionKeys(found, graves)


def begin_epoch(directory: Path, keep: Callable[[int, bytes], None] | None = None) -> int:
    """Make the next epoch, durable, and in custody when `keep` puts it there, before it is used; its number.

    Raises:
        BadKeks: another process makes one at this moment.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_others(directory, "700")
    with _alone(directory):
        epoch = max(_numbers(directory, _FILE) | _numbers(directory, _GRAVE), default=0) + 1
        kek = secrets.token_bytes(KEK_BYTES)
        if keep is not None:
            keep(epoch, kek)
        put_epoch(directory, epoch, kek)
    return epoch


def put_epoch(directory: Path, epoch: int, kek: bytes) -> None:
    """Write one epoch's file, whole or not at all, and durable; it never replaces one.

    Raises:
        BadKeks: the epoch is there, or was destroyed.
    """
    path = _path(directory, epoch)
    if _grave(directory, epoch).exists():
        raise BadKeks(f"epoch {epoch} was destroyed by a rotation: it does not come back")
    unfinished = path.with_suffix(".unfinished")
    durable_files.write(unfinished, kek)
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise BadKeks(f"epoch {epoch} is there already") from None
    finally:
        unfinished.unlink()
    durable_files.sync_names(directory)


def destroy_epoch(directory: Path, epoch: int) -> None:
    """Make every copy of what this epoch wrapped unreadable for good. The caller has re-wrapped what must live.

    Safe to repeat: whoever was killed in the middle does it again.

    Raises:
        BadKeks: it is the newest, which still wraps new keys.
    """
    if epoch >= load(directory).newest:
        raise BadKeks(f"epoch {epoch} is the newest: begin the next one and re-wrap its keys first")
    durable_files.write(_grave(directory, epoch), b"")
    durable_files.sync_names(directory)
    path = _path(directory, epoch)
    if path.exists():
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(KEK_BYTES))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        durable_files.sync_names(directory)


def epochs_before(directory: Path, epoch: int) -> list[int]:
    """Older epochs whose files are there, destroyed or not."""
    return sorted(number for number in _numbers(directory, _FILE) if number < epoch)


def has_epochs(directory: Path) -> bool:
    return directory.is_dir() and bool(_numbers(directory, _FILE) - _numbers(directory, _GRAVE))


def _path(directory: Path, epoch: int) -> Path:
    return directory / f"epoch-{epoch:06}.kek"


def _grave(directory: Path, epoch: int) -> Path:
    return directory / f"epoch-{epoch:06}.destroyed"


def _numbers(directory: Path, name: re.Pattern[str]) -> set[int]:
    return {int(match[1]) for entry in directory.iterdir() if (match := name.fullmatch(entry.name))}


@contextmanager
def _alone(directory: Path) -> Generator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BadKeks("another process makes an epoch at this moment: try again") from None
    finally:
        os.close(descriptor)


def _bound_to(subject_id: UUID, category: str, epoch: int) -> bytes:
    return b"tillit data key v1\n" + subject_id.bytes + epoch.to_bytes(4, "big") + category.encode("ascii")


def _refuse_others(path: Path, mode: str) -> None:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadKeks(f"others than its owner may reach {path.name} of TILLIT_KEK_DIR: chmod {mode} it")
