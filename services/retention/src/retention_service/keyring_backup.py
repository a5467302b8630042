"""A backup of the keyring: one file of wrapped keys and names of destroyed ones, whole or refused; nothing in the clear.

It opens only with the key-encryption keys of its epochs, which are never in it and belong on another volume.
"""

import asyncio
import binascii
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from chassis.keys import KeyName
from chassis.logs import SafeError
from chassis.sql import Connection
from contracts.personal import SubjectId

from retention_service import subject_keys
from retention_service.kek import Wrapped
from retention_service.subject_keys import SubjectKey

PAGE: Final = 1_000
_NAME: Final = re.compile(r"keyring-(\d{6})-\d{8}T\d{6}Z\.backup")
_HEAD: Final = b"tillit keyring backup v1\n"
_TAIL: Final = re.compile(rb"end living=(\d+) destroyed=(\d+) sha256=([0-9a-f]{64})\n")
_TAIL_BYTES: Final = 160


class BadBackup(SafeError):
    """A backup of the keyring is not whole, or does not open; the text says what to do."""


class Written(NamedTuple):
    """A backup that stands on disk, and how many living keys are in it."""

    name: str
    living: int


class Row(NamedTuple):
    """One key of a backup; `at` is when it was made, or destroyed."""

    key: SubjectKey
    at: datetime


async def write(connection: Connection, folder: Path, epoch: int, at: datetime) -> Written:
    """Write every key as one moment saw them; the connection is in no transaction yet."""
    name = f"keyring-{epoch:06}-{at:%Y%m%dT%H%M%SZ}.backup"
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f"{name}.unfinished"
    living = destroyed = 0
    digest = sha256(_HEAD)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(_HEAD)
        async for page in _pages(connection):
            lines = b"".join(_line(row) for row in page)
            living += sum(row.key.wrapped is not None for row in page)
            destroyed += sum(row.key.wrapped is None for row in page)
            digest.update(lines)
            await asyncio.to_thread(file.write, lines)
        file.write(f"end living={living} destroyed={destroyed} sha256={digest.hexdigest()}\n".encode())
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    os.rename(unfinished, folder / name)
    return Written(name, living)


def check(path: Path) -> int:
    """Read the whole file once: it is as it was written; the answer is how many living keys it has.

    Raises:
        BadBackup: it is cut, changed, or none of ours.
    """
    digest, left = sha256(), path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(left - _TAIL_BYTES, 0))
        end = file.read()
        match = _TAIL.search(end)
        if match is None or match.end() != len(end):
            raise BadBackup(f"{path.name} is cut: take another backup")
        left -= len(match[0])
        file.seek(0)
        while left > 0 and (part := file.read(min(left, 1 << 20))):
            digest.update(part)
            left -= len(part)
    if digest.hexdigest().encode() != match[3]:
        raise BadBackup(f"{path.name} was changed since it was written: take another backup")
    return int(match[1])


def rows(path: Path) -> Iterator[Row]:
    """Every key of a backup that `check` has found whole.

    Raises:
        BadBackup: a line that is none of ours.
    """
    with path.open("rb") as file:
        if file.readline() != _HEAD:
            raise BadBackup(f"{path.name} is no backup of a keyring")
        for line in file:
            if line.startswith(b"end "):
                return
            yield _parsed(line, path)


def newest(folder: Path) -> Path | None:
    """The last that was written; None while there is none."""
    return max((file for file in folder.glob("*.backup") if _NAME.fullmatch(file.name)), default=None)


def forget_older(folder: Path, epoch: int, keep: int) -> int:
    """Delete backups whose epoch nothing opens any more, and of the others all but the newest; how many."""
    found = sorted(file.name for file in folder.glob("*.backup") if _NAME.fullmatch(file.name))
    useless = [name for name in found if (match := _NAME.fullmatch(name)) and int(match[1]) < epoch]
    fresh = [name for name in found if name not in useless]
    gone = useless + fresh[: max(len(fresh) - keep, 0)]
    for name in gone:
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    return len(gone)


async def _pages(connection: Connection) -> AsyncIterator[Sequence[Row]]:
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        after: KeyName | None = None
        while page := await subject_keys.page(connection, after, PAGE):
            yield [Row(key, at) for key, at in page]
            after = page[-1][0].name


def _line(row: Row) -> bytes:
    name, wrapped = row.key.name, row.key.wrapped
    held = "destroyed" if wrapped is None else f"{wrapped.epoch}:{wrapped.ciphertext.hex()}"
    return f"{name.subject_id} {name.category} {row.at.isoformat()} {held}\n".encode()


def _parsed(line: bytes, path: Path) -> Row:
    try:
        subject, category, at, held = line.decode("ascii").rstrip("\n").split(" ")
        epoch, _, ciphertext = held.partition(":")
        wrapped = None if held == "destroyed" else Wrapped(int(epoch), binascii.unhexlify(ciphertext))
        return Row(SubjectKey(KeyName(SubjectId(UUID(subject)), category), wrapped), datetime.fromisoformat(at))
    except ValueError:
        raise BadBackup(f"{path.name} has a line that is none of a keyring: take another backup") from None
