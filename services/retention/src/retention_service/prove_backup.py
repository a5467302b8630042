"""Proves that a backup of the keyring restores: another process opens every key of it, without the older epochs.

`python -m retention_service.prove_backup FILE KEK_DIR EPOCH` prints how many it opened, or says why it could not.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from chassis.logs import SafeError

from retention_service import kek, keyring_backup
from retention_service.keyring_backup import BadBackup

_LOOK_SECONDS: Final = 5.0


def prove(file: Path, kek_dir: Path, epoch: int) -> int:
    """How many living keys the file has, every one of them opened.

    Raises:
        BadBackup: it is not whole, or a key of it needs an epoch that is about to be destroyed.
        BadKeks: a key does not open.
    """
    expected, opened = keyring_backup.check(file), 0
    keks = kek.load(kek_dir)
    for row in keyring_backup.rows(file):
        if row.key.wrapped is None:
            continue
        if row.key.wrapped.epoch < epoch:
            raise BadBackup(f"{file.name} has a key under epoch {row.key.wrapped.epoch}: re-wrap it first")
        keks.unwrap(*row.key.name, row.key.wrapped)
        opened += 1
    if opened != expected:
        raise BadBackup(f"{file.name} has {opened} living keys and says {expected}: take another backup")
    return opened


async def prove_elsewhere(file: Path, kek_dir: Path, epoch: int, alive: Callable[[], Awaitable[None]]) -> int:
    """The same in a process of its own, which knows the file and the directory only; `alive` is called while it runs.

    Raises:
        BadBackup: it could not, with its reason.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "retention_service.prove_backup", str(file), str(kek_dir), str(epoch)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    ending = asyncio.ensure_future(process.communicate())
    try:
        while not ending.done():
            await asyncio.wait({ending}, timeout=_LOOK_SECONDS)
            await alive()
    finally:
        if not ending.done():
            process.kill()
        output, error = await ending
    if process.returncode != 0 or not output.strip().isdigit():
        why = error.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"it ended with {process.returncode}"]
        raise BadBackup(f"the backup {file.name} was not proved: {why[0][:300]}")
    return int(output)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m retention_service.prove_backup", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("kek_dir", type=Path)
    parser.add_argument("epoch", type=int, help="the oldest epoch that may be needed")
    told = parser.parse_args()
    os.nice(10)  # who fetches keys on this machine goes first
    try:
        sys.stdout.write(f"{prove(told.file, told.kek_dir, told.epoch)}\n")
    except (SafeError, OSError) as error:
        sys.exit(str(error) if isinstance(error, SafeError) else f"{type(error).__name__}: {error.strerror}")


if __name__ == "__main__":
    main()
