"""Files that only their owner reads, and that are on the disk when the call returns."""

import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """The whole content, in place of what was there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_names(directory: Path) -> None:
    """What was made, renamed or removed in this directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
