"""Knows whether a supervisor holds a state folder, and which process it is, without disturbing it."""

import errno
import fcntl
import os
import struct
from pathlib import Path
from typing import IO

_FLOCK = "hhqqi0q"
"""struct flock of 64-bit Linux."""


def holder(lock: Path) -> int | None:
    """The pid of the supervisor that holds this folder, if any. Asking takes no lock, so it can't get in the way."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        question = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    return int(answer[4]) if answer[0] != fcntl.F_UNLCK else None


def take(lock: Path) -> IO[str] | None:
    """The lock, held until the file is closed or this process ends in any way; None when another has it.

    A record lock goes when its process closes any descriptor of the file: the holder must not open it again.
    """
    file = lock.open("a")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return None
        raise
    return file
