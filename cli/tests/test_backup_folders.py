"""Backups are kept 14 days (R8): a finished new one ends those that are older, and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tillit_cli.backup_files import BadBackup, dump_file, manifest_file, read_manifest
from tillit_cli.backup_folders import KEEP_DAYS, Forgotten, finished, forget_older, new_folder

from .test_backup_files import key_file, written

NOW = datetime(2026, 2, 20, 3, tzinfo=UTC)
KEPT = timedelta(days=KEEP_DAYS)
SERVICES = ("profile", "notifications")


def taken(place: Path, keys: Path, at: datetime) -> Path:
    """A backup of both services, as `tillit backup` takes one."""
    with new_folder(place, at) as folder:
        for service in SERVICES:
            written(folder, service, at, keys)
    return finished(place, at)


def forget(place: Path, keys: Path, now: datetime = NOW) -> Forgotten:
    return forget_older(place, SERVICES, key_file(keys), than=KEPT, now=now)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def test_backups_are_kept_fourteen_days() -> None:
    assert KEEP_DAYS == 14


def test_a_backup_has_a_folder_of_its_own_that_says_when_and_can_be_put_back(tmp_path: Path, place: Path) -> None:
    folder = taken(place, tmp_path, NOW)
    assert folder.name == "20260220T030000Z"
    assert [read_manifest(folder, service, key_file(tmp_path)).taken_at for service in SERVICES] == [NOW, NOW]
    assert (place.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o700, 0o700)


def test_a_backup_that_fails_leaves_nothing_behind(tmp_path: Path, place: Path) -> None:
    def fails() -> None:
        with new_folder(place, NOW) as folder:
            written(folder, "profile", NOW, tmp_path)
            raise BadBackup("the disk is full")

    with pytest.raises(BadBackup, match="full"):
        fails()
    assert list(place.iterdir()) == []


def test_two_backups_of_one_second_do_not_share_a_folder(place: Path) -> None:
    with new_folder(place, NOW), pytest.raises(BadBackup, match="try again"), new_folder(place, NOW):
        raise AssertionError


def test_what_is_older_goes_and_what_is_as_old_stays(tmp_path: Path, place: Path) -> None:
    old = taken(place, tmp_path, NOW - KEPT - timedelta(seconds=1))
    young, newest = taken(place, tmp_path, NOW - KEPT), taken(place, tmp_path, NOW)
    assert forget(place, tmp_path) == Forgotten([old], [])
    assert sorted(place.iterdir()) == [young, newest]
    assert forget(place, tmp_path, NOW + timedelta(seconds=1)).deleted == [young]


def test_the_manifest_tells_the_age_and_not_the_name(tmp_path: Path, place: Path) -> None:
    renamed = taken(place, tmp_path, NOW).rename(place / "20200101T000000Z")
    assert forget(place, tmp_path) == Forgotten([], [])
    assert renamed.exists()


def test_one_that_a_wrong_clock_dated_to_the_future_is_named_because_nothing_would_end_it(
    tmp_path: Path, place: Path
) -> None:
    future, newest = taken(place, tmp_path, NOW + timedelta(days=365)), taken(place, tmp_path, NOW)
    found = forget(place, tmp_path)
    assert (found.deleted, len(found.left_alone)) == ([], 1)
    assert str(future) in found.left_alone[0]
    assert sorted(place.iterdir()) == [newest, future]


def test_one_that_was_never_finished_goes_when_it_is_as_old(tmp_path: Path, place: Path) -> None:
    half = taken(place, tmp_path, NOW - KEPT * 2).rename(place / "20260101T000000Z.unfinished")
    manifest_file(half, "profile").unlink()
    assert forget(place, tmp_path) == Forgotten([half], [])
    assert list(place.iterdir()) == []


def test_a_deletion_that_was_cut_short_is_ended_by_the_next(tmp_path: Path, place: Path) -> None:
    old = taken(place, tmp_path, NOW - KEPT * 2)
    dump_file(old, "profile").unlink()
    assert forget(place, tmp_path) == Forgotten([old], [])


@pytest.mark.parametrize("spoilt", ["more in it", "a dump alone", "another's key", "empty", "a link"])
def test_what_is_not_surely_an_old_backup_of_ours_is_left_and_named(tmp_path: Path, place: Path, spoilt: str) -> None:
    old = taken(place, tmp_path, NOW - KEPT * 2)
    match spoilt:
        case "more in it":
            (old / "letters.txt").write_text("not ours to delete")
        case "a dump alone":
            manifest_file(old, "profile").unlink()
        case "another's key":
            (tmp_path / "operator.pem").unlink()
        case "empty":
            for file in old.iterdir():
                file.unlink()
        case _:
            old.symlink_to(old.rename(tmp_path / "elsewhere"))
    before = sorted(old.iterdir())
    found = forget(place, tmp_path)
    assert (found.deleted, len(found.left_alone)) == ([], 1)
    assert str(old) in found.left_alone[0]
    assert sorted(old.iterdir()) == before


def test_folders_and_files_of_other_names_are_not_even_looked_at(tmp_path: Path, place: Path) -> None:
    aside = taken(place, tmp_path, NOW - KEPT * 2).rename(place / "before-the-move")
    (place / "notes.txt").write_text("mine")
    assert forget(place, tmp_path) == Forgotten([], [])
    assert aside.exists()
