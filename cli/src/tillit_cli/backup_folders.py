"""Backups in one place: each in a folder of its own, named by when it was taken, and deleted after 14 days (R8).

What is erased is unreadable in them long before; that they go is the other half of the promise.
"""

import re
import shutil
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from chassis.settings import ServiceSettings

from tillit_cli.backup_files import BadBackup, dump_file, manifest_file, read_signed

KEEP_DAYS: Final = int(ServiceSettings.model_fields["backup_days"].default)
CLOCKS_AGREE: Final = timedelta(hours=1)
"""What was taken later than this from now was taken by a wrong clock, and would be kept for longer than promised."""
_NAMED_BY: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"(\d{8}T\d{6}Z)(\.unfinished)?")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted, and what was left alone though it looks like a backup that is not to be kept, with the reason."""

    deleted: list[Path] = field(default_factory=list[Path])
    left_alone: list[str] = field(default_factory=list[str])


@contextmanager
def new_folder(place: Path, taken_at: datetime) -> Generator[Path]:
    """A folder to write a backup into. When the block ends well it stands as `finished`; when not, nothing is left.

    Args:
        place: where backups are; it is made, for its owner only.
        taken_at: in UTC.

    Raises:
        BadBackup: another backup was begun in the same second.
    """
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = finished(place, taken_at).with_suffix(".unfinished")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise BadBackup(f"{folder} is there already: another backup was begun in this second; try again") from None
    done = False
    try:
        yield folder
        folder.rename(finished(place, taken_at))
        done = True
    finally:
        if not done:
            shutil.rmtree(folder)


def finished(place: Path, taken_at: datetime) -> Path:
    """Where the backup of that moment stands once it is whole."""
    return place / f"{taken_at:{_NAMED_BY}}"


def forget_older(
    place: Path, services: Collection[str], key_file: Path, *, than: timedelta, now: datetime
) -> Forgotten:
    """Delete this operator's backups that are older, by what their manifests say; nothing that is no backup of ours.

    One that was never finished goes by the time in its name. What can't be told for certain is left, and named.
    """
    done = Forgotten()
    for folder in sorted(entry for entry in place.iterdir() if _NAME.fullmatch(entry.name)):
        try:
            taken_at = _taken_at(folder, services, key_file)
        except BadBackup as why:
            if now - _time_in(folder.name) > than:
                done.left_alone.append(str(why))
            continue
        if taken_at - now > CLOCKS_AGREE:
            done.left_alone.append(f"{folder} says that it was taken on {taken_at:%Y-%m-%d}, which is to come")
        elif now - taken_at > than:
            _delete(folder, services)
            done.deleted.append(folder)
    return done


def _taken_at(folder: Path, services: Collection[str], key_file: Path) -> datetime:
    """When the youngest part of a backup was taken.

    Raises:
        BadBackup: it is none of ours, or not as it was left.
    """
    ours = {path(folder, service).name for service in services for path in (dump_file, manifest_file)}
    if folder.is_symlink() or not folder.is_dir():
        raise BadBackup(f"{folder} is no folder")
    strange = sorted(entry.name for entry in folder.iterdir() if entry.name not in ours or not entry.is_file())
    if strange:
        raise BadBackup(f"{folder} holds what no backup does: {', '.join(strange[:3])}")
    if folder.name.endswith(".unfinished"):
        return _time_in(folder.name)
    there = [
        service for service in services if any(path(folder, service).exists() for path in (dump_file, manifest_file))
    ]
    if not there:
        raise BadBackup(f"{folder} holds no backup")
    return max(read_signed(folder, service, key_file).taken_at for service in there)


def _delete(folder: Path, services: Collection[str]) -> None:
    """Manifests last: what is left of one that was cut short is known as a backup still."""
    for path in (dump_file, manifest_file):
        for service in services:
            path(folder, service).unlink(missing_ok=True)
    folder.rmdir()


def _time_in(name: str) -> datetime:
    """A name that is no time of this world is as old as can be."""
    try:
        return datetime.strptime(name.partition(".")[0], _NAMED_BY).replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
