"""The published log as files: tiles and entries are on disk before the checkpoint that promises them.

Files are replaced whole and synced, so a reader sees the old bytes or the new ones, and a crash leaves one of them.
"""

import fcntl
import os
import shutil
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from chassis.logs import SafeError
from contracts.log_audit import Missing
from contracts.log_tiles import CHECKPOINT, WIDTH, Tile
from contracts.notes import BadNote, Checkpoint, Note, NoteKey, SignatureCheck, open_checkpoint, read_checkpoint

_LOCK_FILE: Final = ".publishing"
_SYNCS_AT_ONCE: Final = 8
"""The disk takes several together in hardly more time than one."""


class LogFolder:
    """One log's folder. Whoever writes the same tree writes the same files, in whatever order and however often."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def require(self) -> None:
        """Refuse to work without it.

        Raises:
            SafeError: it is no folder that can be written to.
        """
        if not self.root.is_dir() or not os.access(self.root, os.W_OK | os.X_OK):
            raise SafeError(f"TILLIT_LOG_DIR names {self.root}, which is no folder that can be written to: make it")

    def read(self, path: str) -> bytes:
        """A file by its path below the log's prefix.

        Raises:
            Missing: there is none.
        """
        try:
            return (self.root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(path) from None

    def tile(self, tile: Tile) -> bytes:
        """A tile, which may by now be the beginning of a full one.

        Raises:
            Missing: there is none.
        """
        try:
            return self.read(tile.path)
        except Missing:
            return self.read(tile.full.path)

    def checkpoint(self, key: NoteKey, check: SignatureCheck) -> tuple[Checkpoint, Note] | None:
        """What was published last; None before the first.

        Raises:
            SafeError: it is not signed by this key.
        """
        try:
            return open_checkpoint(self.read(CHECKPOINT), key, check)
        except Missing:
            return None
        except BadNote as error:
            raise SafeError(
                f"the checkpoint in TILLIT_LOG_DIR can't be believed ({error}): set TILLIT_LOG_KEY_FILE and"
                " TILLIT_LOG_ORIGIN to this log's own, or take the folder back from its copy"
            ) from error

    def write(self, tiles: Mapping[Tile, bytes]) -> None:
        """Make these durable. A full tile ends the partial ones before it, also under the hands of a late worker."""
        folders = {(self.root / tile.path).parent for tile in tiles}
        above = set[Path]().union(*map(_made, folders))
        drafts: dict[Tile, BinaryIO] = {}
        with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool, ExitStack() as opened:
            for tile, data in tiles.items():
                with self._unless_ended(tile):
                    drafts[tile] = opened.enter_context(_draft(self.root / tile.path).open("wb"))
                    drafts[tile].write(data)
            list(pool.map(_sync, drafts.values()))
            for tile, file in drafts.items():
                with self._unless_ended(tile):
                    Path(file.name).replace(self.root / tile.path)
            list(pool.map(_sync_folder_if_there, folders | above))
        for tile in tiles:
            if tile.width == WIDTH:
                shutil.rmtree(self.root / f"{tile.path}.p", ignore_errors=True)

    @contextmanager
    def _unless_ended(self, tile: Tile) -> Generator[None]:
        """A partial tile whose folder is gone since the full one is there is not missed."""
        try:
            yield
        except FileNotFoundError:
            if tile.width == WIDTH or not (self.root / tile.full.path).exists():
                raise

    def publish(self, note: Note) -> bool:
        """Show this checkpoint from now on; False when another worker is at it, or has shown a larger one."""
        with self._alone() as alone:
            if not alone:
                return False
            try:
                shown = read_checkpoint(self.read(CHECKPOINT).decode())
            except Missing:
                shown = None
            if shown is not None and shown.size > read_checkpoint(note.text).size:
                return False
            draft = _draft(self.root / CHECKPOINT)
            with draft.open("wb") as file:
                file.write(note.to_bytes())
                _sync(file)
            draft.replace(self.root / CHECKPOINT)
            _sync_folder(self.root)
            return True

    @contextmanager
    def _alone(self) -> Generator[bool]:
        with (self.root / _LOCK_FILE).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _made(folder: Path) -> set[Path]:
    """Make this folder; the answer is every one above it whose list of names changed by that."""
    above = set[Path]()
    missing = folder
    while not missing.exists():
        missing = missing.parent
        above.add(missing)
    folder.mkdir(parents=True, exist_ok=True)
    return above


def _draft(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder_if_there(folder: Path) -> None:
    """A late worker's partial tiles lose their folder to the full one."""
    with suppress(FileNotFoundError):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
