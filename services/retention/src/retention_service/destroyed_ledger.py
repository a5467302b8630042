"""The ledger of destroyed keys: an append-only file beside the key-encryption keys, which no restored database forgets.

A name stands in it, durable, before the key's row is changed; it is never taken back. What it says is only names: a
random subject id, a category, and when. Its lines are found by their place, so that readers go on where they were.
"""

import fcntl
import mmap
import os
import re
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from chassis.keys import KeyName
from chassis.logs import SafeError
from contracts.personal import SubjectId

from retention_service import durable_files

FILE: Final = "destroyed.ledger"
PART: Final = 1_000
"""Lines of one reading."""
_LINE_BYTES: Final = 160
_HEAD: Final = re.compile(rb"tillit destroyed keys v1 ([0-9a-f-]{36})\n")
_LINE: Final = re.compile(rb"([0-9a-f-]{36}) ([a-z_]+(?::[0-9a-f-]{36})?) (\S+) ([0-9a-f]{8})")


class BadLedger(SafeError):
    """The ledger is damaged; the text says where, and what to do."""


class Destroyed(NamedTuple):
    """One key that must never open anything again."""

    name: KeyName
    at: datetime


class Part(NamedTuple):
    """Some lines, and the place after them."""

    destroyed: Sequence[Destroyed]
    after: int


class Mark(NamedTuple):
    """Which file it is, and how long: another mark means that something may have been written down."""

    file: int
    size: int


class DestroyedLedger:
    """The file of one directory. Opening it makes nothing; the first writer makes it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE

    def identity(self) -> UUID:
        """The ledger's own id, made with it: places are of one ledger only.

        Raises:
            BadLedger: the file's first line is none of ours.
        """
        with self._locked() as descriptor:
            return _identity(descriptor)

    def mark(self) -> Mark | None:
        """What can be seen without opening it; None while there is none."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return Mark(found.st_ino, found.st_size)

    def append(self, destroyed: Sequence[Destroyed]) -> int:
        """Add these names, durable when it returns; the answer is the place after them.

        What a process left unfinished that was killed while it wrote is cut off: its rows were never changed.
        """
        with self._locked() as descriptor:
            _identity(descriptor)
            end = _whole(descriptor)
            os.ftruncate(descriptor, end)
            content = b"".join(_line(one) for one in destroyed)
            written = 0
            while written < len(content):
                written += os.pwrite(descriptor, content[written:], end + written)
            os.fsync(descriptor)
            return end + len(content)

    def end(self) -> int:
        """The place after the last whole line."""
        with self._locked() as descriptor:
            _identity(descriptor)
            return _whole(descriptor)

    def read(self, after: int, until: int | None = None) -> Part:
        """At most `PART` names from a place on, and none beyond `until`; 0 is the beginning.

        Raises:
            BadLedger: a line is damaged, or the place is none.
        """
        with self._locked() as descriptor:
            start = max(after, len(_head(_identity(descriptor))))
            chunk = os.pread(descriptor, PART * _LINE_BYTES, start)
        found: list[Destroyed] = []
        place = start
        for line in chunk.splitlines(keepends=True)[:PART]:
            if not line.endswith(b"\n") or (until is not None and place + len(line) > until):
                break
            found.append(_parsed(line, place))
            place += len(line)
        return Part(found, place)

    def holds(self, names: Sequence[KeyName]) -> bool:
        """Whether each of these is written down, whole; looked for from the end, where what is new stands."""
        with self._locked() as descriptor:
            _identity(descriptor)
            with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as content:
                return all(_stands_in(content, name) for name in names)

    @contextmanager
    def _locked(self) -> Generator[int]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise BadLedger(
                f"the ledger of destroyed keys can't be opened ({error.strerror}): see the runbook"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size == 0:
                os.pwrite(descriptor, _head(uuid4()), 0)
                os.fsync(descriptor)
                durable_files.sync_names(self._path.parent)
            yield descriptor
        finally:
            os.close(descriptor)


def _stands_in(content: mmap.mmap, name: KeyName) -> bool:
    place = content.rfind(f"\n{name.subject_id} {name.category} ".encode()) + 1
    end = content.find(b"\n", place) + 1
    return place > 0 and end > 0 and _parsed(content[place:end], place).name == name


def _head(identity: UUID) -> bytes:
    return f"tillit destroyed keys v1 {identity}\n".encode()


def _identity(descriptor: int) -> UUID:
    match = _HEAD.match(os.pread(descriptor, 128, 0))
    if match is None:
        raise BadLedger(
            f"{FILE} has no head: restore it from its copy, or remove it to have it rebuilt from the database"
        )
    return UUID(match[1].decode())


def _whole(descriptor: int) -> int:
    """Where the last whole line ends."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _LINE_BYTES, max(size - _LINE_BYTES, 0))
    return size - (len(tail) - (tail.rfind(b"\n") + 1))


def _line(one: Destroyed) -> bytes:
    text = f"{one.name.subject_id} {one.name.category} {one.at.isoformat()}"
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def _parsed(line: bytes, place: int) -> Destroyed:
    match = _LINE.fullmatch(line[:-1])
    if match is None or int(match[4], 16) != zlib.crc32(line[: match.end(3)]):
        raise BadLedger(f"{FILE} is damaged at byte {place}: restore it from its copy")
    subject, category, at = (match[number].decode() for number in (1, 2, 3))
    return Destroyed(KeyName(SubjectId(UUID(subject)), category), datetime.fromisoformat(at))
