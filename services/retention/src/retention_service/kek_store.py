"""The key-encryption keys of one process, as they are on disk now: it notices epochs that others began or destroyed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chassis.clock import monotonic

from retention_service import kek
from retention_service.kek import BadKeks, KeyEncryptionKeys

_BELIEVED_SECONDS: Final = 60.0
"""Two changes within one tick of the file system's clock look like one: the directory is read again by then."""


@dataclass(frozen=True, slots=True)
class _Read:
    keks: KeyEncryptionKeys
    changed_ns: int
    at: float


class KekStore:
    """Reads `TILLIT_KEK_DIR` again when it changed, or when a row names an epoch that is not known yet.

    So a destroyed epoch leaves this process's memory with the next request, within a minute at most of its next use.
    """

    def __init__(self, directory: Path) -> None:
        self.directory: Final = directory
        self._read: _Read | None = None

    def current(self) -> KeyEncryptionKeys:
        """The epochs on disk.

        Raises:
            BadKeks: the directory is not as it must be.
        """
        read = self._read
        if read is None or read.changed_ns != self._changed() or monotonic() - read.at > _BELIEVED_SECONDS:
            return self._load()
        return read.keks

    def knowing(self, epochs: set[int]) -> KeyEncryptionKeys:
        """The epochs on disk, these among them.

        Raises:
            BadKeks: one of them is lost, or was destroyed by a rotation.
        """
        keks = self.current()
        if not epochs <= keks.epochs:
            keks = self._load()
            keks.require(epochs)
        return keks

    def writing(self, at_least: int) -> KeyEncryptionKeys:
        """What new keys are wrapped under: never an epoch older than the one that the last rotation began.

        Raises:
            BadKeks: that epoch is lost.
        """
        keks = self.current()
        if keks.newest < at_least:
            keks = self._load()
        if keks.newest < at_least:
            raise kek.lost([at_least])
        return keks

    def _load(self) -> KeyEncryptionKeys:
        changed = self._changed()
        keks = kek.load(self.directory)
        self._read = _Read(keks, changed, monotonic())
        return keks

    def _changed(self) -> int:
        try:
            return self.directory.stat().st_mtime_ns
        except OSError as error:
            raise BadKeks(f"TILLIT_KEK_DIR can't be read ({error.strerror}): restore it from custody") from None
