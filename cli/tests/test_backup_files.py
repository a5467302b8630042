"""A backup that is not whole, not of this service, not ours, or too old for anybody to catch up with is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tillit_cli.backup_files import BadBackup, Manifest, digest, dump_file, manifest_file, read_manifest, write_manifest
from tillit_cli.backups import TOO_OLD, TOPICS_KEEP, refuse_too_old

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)


def key_file(folder: Path, name: str = "operator") -> Path:
    file = folder / f"{name}.pem"
    if not file.exists():
        key = Ed25519PrivateKey.generate()
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


def written(folder: Path, service: str = "profile", taken_at: datetime = NOW, keys: Path | None = None) -> Manifest:
    """A whole backup of a service, signed with the key in `keys`, or beside it."""
    dump = dump_file(folder, service)
    dump.write_bytes(b"a dump of " + service.encode())
    manifest = Manifest(
        service=service,
        database=service.replace("-", "_"),
        taken_at=taken_at,
        bytes=dump.stat().st_size,
        sha256=digest(dump),
        migrations={"chassis": 5},
        offsets={"profile.v1/0": 7},
    )
    write_manifest(folder, manifest, key_file(keys or folder))
    return manifest


def test_what_was_written_is_read_back_as_it_was(tmp_path: Path) -> None:
    manifest = written(tmp_path)
    assert read_manifest(tmp_path, "profile", key_file(tmp_path)) == manifest


def test_a_dump_without_its_manifest_is_unfinished_and_refused(tmp_path: Path) -> None:
    written(tmp_path)
    manifest_file(tmp_path, "profile").unlink()
    with pytest.raises(BadBackup, match="no finished backup"):
        read_manifest(tmp_path, "profile", key_file(tmp_path))


def test_a_dump_of_which_any_byte_was_changed_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    dump = dump_file(tmp_path, "profile")
    content = dump.read_bytes()
    for place in range(len(content)):
        dump.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(BadBackup, match="digest"):
            read_manifest(tmp_path, "profile", key_file(tmp_path))
    dump.write_bytes(content[:-1])
    with pytest.raises(BadBackup, match="digest"):
        read_manifest(tmp_path, "profile", key_file(tmp_path))


def test_a_manifest_that_was_changed_or_made_by_another_is_refused(tmp_path: Path) -> None:
    written(tmp_path)
    with pytest.raises(BadBackup, match="this operator's key"):
        read_manifest(tmp_path, "profile", key_file(tmp_path, "stranger"))
    file = manifest_file(tmp_path, "profile")
    file.write_text(file.read_text().replace("2026-02-01", "2026-01-31"))
    with pytest.raises(BadBackup, match="was changed"):
        read_manifest(tmp_path, "profile", key_file(tmp_path))
    file.write_text("{}")
    with pytest.raises(BadBackup, match="was changed"):
        read_manifest(tmp_path, "profile", key_file(tmp_path))


def test_a_backup_of_another_service_under_this_ones_name_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "notifications")
    for name in (dump_file, manifest_file):
        name(tmp_path, "notifications").rename(name(tmp_path, "profile"))
    with pytest.raises(BadBackup, match="of notifications, not of profile"):
        read_manifest(tmp_path, "profile", key_file(tmp_path))


def test_a_backup_older_than_tombstones_is_refused_whatever_is_asked(tmp_path: Path) -> None:
    manifest = written(tmp_path, taken_at=NOW - TOO_OLD - timedelta(hours=1))
    with pytest.raises(BadBackup, match="forgotten whom"):
        refuse_too_old(manifest, NOW, events_are_gone=True)


def test_a_backup_older_than_topics_needs_a_word_that_events_are_gone(tmp_path: Path) -> None:
    manifest = written(tmp_path, taken_at=NOW - TOPICS_KEEP - timedelta(hours=1))
    with pytest.raises(BadBackup, match="--events-are-gone"):
        refuse_too_old(manifest, NOW, events_are_gone=False)
    refuse_too_old(manifest, NOW, events_are_gone=True)
    refuse_too_old(written(tmp_path), NOW, events_are_gone=False)
