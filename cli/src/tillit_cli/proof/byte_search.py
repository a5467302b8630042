"""Searches files byte by byte for needles: everything a stack wrote, whatever its format, holes skipped.

PostgreSQL's write-ahead log is read as the stream that it is, so that a value over a page boundary is found too.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tillit_cli.proof.needles import Needle

CHUNK: Final = 4 * 1024 * 1024
_WAL_PAGE: Final = 8192
_WAL_FIRST_HEADER: Final = 40
_WAL_HEADER: Final = 24
_WAL_FILE: Final = re.compile(r"[0-9A-F]{24}(\.partial)?")


@dataclass(frozen=True, slots=True)
class Hit:
    """One needle in one file (or table) of one place."""

    place: str
    where: str
    needle: Needle


@dataclass
class Searched:
    """What was searched, and what was found."""

    hits: set[Hit] = field(default_factory=set[Hit])
    units: int = 0
    """Files, or tables."""
    size: int = 0
    """Bytes read."""

    def add(self, other: "Searched") -> None:
        self.hits |= other.hits
        self.units += other.units
        self.size += other.size


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is searched whole, but for what is left out."""

    name: str
    root: Path
    leave_out: frozenset[Path] = frozenset()


class Searcher:
    """Finds which of its needles a stream of bytes holds."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self.needles = tuple(needles)
        self._longest = max((len(needle.content) for needle in needles), default=1)

    def found_in(self, stream: Iterable[bytes]) -> tuple[set[Needle], int]:
        """The needles in a stream of chunks, also across their borders, and how many bytes came."""
        found: set[Needle] = set()
        missing, tail, size = list(self.needles), b"", 0
        for chunk in stream:
            size += len(chunk)
            if not chunk.strip(b"\0") and not tail.strip(b"\0"):
                tail = chunk[-self._longest :]
                continue
            window = tail + chunk
            here = [needle for needle in missing if needle.content in window]
            if here:
                found.update(here)
                missing = [needle for needle in missing if needle not in found]
            tail = window[-self._longest :]
        return found, size

    def search_place(self, place: Place) -> Searched:
        """Every file of a place."""
        searched = Searched()
        for path in files_of(place):
            try:
                needles, size = self.found_in(chunks_of(path))
            except FileNotFoundError:
                continue  # a running system removes files: what it removed does not remain
            searched.units += 1
            searched.size += size
            searched.hits.update(Hit(place.name, str(path.relative_to(place.root)), needle) for needle in needles)
        return searched


def files_of(place: Place) -> Iterator[Path]:
    """Every regular file below the place's root; a folder that can't be read is an error, not an empty one."""
    for folder, folders, files in os.walk(place.root, onerror=_unless_gone):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if here / name not in place.leave_out)
        for name in sorted(files):
            path = here / name
            if path not in place.leave_out and path.is_file() and not path.is_symlink():
                yield path


def chunks_of(path: Path) -> Iterator[bytes]:
    """A file's bytes in order; of the write-ahead log, the records' bytes without the page headers between them."""
    if path.parent.name == "pg_wal" and _WAL_FILE.fullmatch(path.name):
        return _wal_stream(path)
    return _data_of(path)


def _data_of(path: Path) -> Iterator[bytes]:
    """A file's bytes, its holes left out: Kafka's index files are nearly nothing else."""
    with path.open("rb", buffering=0) as file:
        descriptor, position = file.fileno(), 0
        while (start := _next_data(descriptor, position)) is not None:
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
            while start < end:
                chunk = os.pread(descriptor, min(CHUNK, end - start), start)
                if not chunk:
                    return
                yield chunk
                start += len(chunk)
            position = end


def _next_data(descriptor: int, position: int) -> int | None:
    try:
        return os.lseek(descriptor, position, os.SEEK_DATA)
    except OSError:  # ENXIO: nothing but a hole is left
        return None


def _wal_stream(path: Path) -> Iterator[bytes]:
    pages_at_once = CHUNK // _WAL_PAGE
    with path.open("rb") as file:
        first = True
        while content := file.read(pages_at_once * _WAL_PAGE):
            joined = bytearray()
            for start in range(0, len(content), _WAL_PAGE):
                header = _WAL_FIRST_HEADER if first else _WAL_HEADER
                joined += content[start + header : start + _WAL_PAGE]
                first = False
            yield bytes(joined)


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
