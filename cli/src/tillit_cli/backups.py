"""`tillit backup` and `tillit restore`: a service's database put aside, and back, without bringing anybody back.

A service that was restored notices it, learns what it had erased since, reads the topics again, and is ready only then
(`chassis.recovery`); the runbook is docs/runbooks/restore.md.
"""

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
from chassis.clock import SystemClock, monotonic
from chassis.recoveries import Sign
from chassis.settings import ServiceSettings
from chassis.sql import connect
from local_stack import dumps
from local_stack.failure import StackError
from local_stack.stack import Stack
from local_stack.status import ProcessState
from retention_service import keyring_backup
from retention_service.restore_keyring import restore as restore_keyring
from rich.console import Console

from chassis import migrations, offsets, recoveries
from tillit_cli.backup_files import BadBackup, Manifest, digest, dump_file, manifest_file, read_manifest, write_manifest
from tillit_cli.backup_folders import KEEP_DAYS, finished, forget_older, new_folder
from tillit_cli.operator_calls import operating
from tillit_cli.patient_http import Refused, Unreachable
from tillit_cli.stack import State

TOO_OLD: Final = timedelta(days=int(ServiceSettings.model_fields["tombstone_days"].default))
TOPICS_KEEP: Final = timedelta(days=int(ServiceSettings.model_fields["topic_days"].default))
_READY_SECONDS: Final = 300.0
_ENDS_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.3

console = Console(width=None if sys.stdout.isatty() else 160)


def backup(
    service: Annotated[str, typer.Argument(help="profile, notifications, audit-log, retention, or all.")],
    to: Annotated[Path, typer.Option("--to", help="Where backups are kept; this one gets a folder of its own in it.")],
    keep_days: Annotated[
        int, typer.Option(min=1, max=KEEP_DAYS, help="Backups there that are older are deleted once this one is whole.")
    ] = KEEP_DAYS,
    state: State = None,
) -> None:
    """Put a service's database aside, while it works: a dump and a signed manifest. Keys are not in it.

    Afterwards the backups beside it that are older than 14 days, or what `--keep-days` says, are deleted.
    """
    stack, now = Stack(state), SystemClock().now()
    with new_folder(to, now) as folder:
        for name in _chosen(stack, service):
            manifest = asyncio.run(take(stack, name, folder))
            console.print(f"{name}: {manifest.bytes:,} bytes, as of {_utc(manifest.taken_at)}")
    console.print(f"to put one back: tillit restore NAME --from {finished(to, now)}", soft_wrap=True)
    info = stack.info()
    gone = forget_older(to, list(info.services), info.operator_key_file, than=timedelta(days=keep_days), now=now)
    for old in gone.deleted:
        console.print(f"deleted, older than {keep_days} days: {old}", soft_wrap=True)
    for why in gone.left_alone:
        console.print(f"left alone; see whether it is to go: {why}", style="yellow", soft_wrap=True)


def restore(
    service: Annotated[str, typer.Argument(help="profile, notifications, audit-log or retention.")],
    source: Annotated[Path, typer.Option("--from", help="The folder of one backup, as `tillit backup` named it.")],
    keyring: Annotated[
        Path | None, typer.Option(help="retention: the backup of the keyring to use; the newest by default.")
    ] = None,
    events_are_gone: Annotated[
        bool, typer.Option("--events-are-gone", help="Go on although topics no longer have all that came since.")
    ] = False,
    state: State = None,
) -> None:
    """Put a backup in the place of a service's database, and wait until the service has caught up and is ready.

    The service is stopped meanwhile, and started again by who supervises it. Whoever was erased since stays erased.
    """
    stack = Stack(state)
    if service not in stack.info().services:
        raise typer.BadParameter(f"the services are {', '.join(stack.info().services)}", param_hint="SERVICE")
    began = monotonic()
    manifest = read_manifest(source, service, stack.info().operator_key_file)
    refuse_too_old(manifest, SystemClock().now(), events_are_gone=events_are_gone)
    asyncio.run(put_back(stack, manifest, source, keyring))
    console.print(f"{service}: the database is that of {_utc(manifest.taken_at)}; waiting until it has caught up")
    asyncio.run(wait_until_caught_up(stack, service))
    console.print(f"{service}: ready after {monotonic() - began:.1f} s")


async def take(stack: Stack, service: str, folder: Path) -> Manifest:
    """Write a backup of this service's database.

    Raises:
        StackError: PostgreSQL's tool failed; no manifest is written.
    """
    info = stack.info()
    database, file = _database(service), dump_file(folder, service)
    manifest_file(folder, service).unlink(missing_ok=True)
    taken_at = SystemClock().now()
    connection = await connect(info.owner_databases[database])
    try:
        stand = await offsets.all_of(connection)
        applied = await migrations.applied(connection)
    finally:
        await connection.close()
    await dumps.dump(info.admin_database, database, file, stack.logs / "backup.log")
    manifest = Manifest(
        service=service,
        database=database,
        taken_at=taken_at,
        bytes=file.stat().st_size,
        sha256=digest(file),
        migrations=applied,
        offsets={f"{topic}/{partition}": offset for (topic, partition), offset in stand.items()},
    )
    write_manifest(folder, manifest, info.operator_key_file)
    return manifest


def refuse_too_old(manifest: Manifest, now: datetime, *, events_are_gone: bool) -> None:
    """Refuse what nobody can catch up from.

    Raises:
        BadBackup: it is older than the tombstones that services keep, or than what topics still have.
    """
    age = now - manifest.taken_at
    if age > TOO_OLD:
        raise BadBackup(
            f"this backup is {age.days} days old, and after {TOO_OLD.days} the others have forgotten whom it would bring "
            "back: begin with an empty database"
        )
    if age > TOPICS_KEEP and not events_are_gone:
        raise BadBackup(
            f"this backup is {age.days} days old, and topics keep {TOPICS_KEEP.days}: erasures since are known and carried "
            "out again, other events of the days between are gone. With --events-are-gone it is restored all the same"
        )


async def put_back(stack: Stack, manifest: Manifest, folder: Path, keyring: Path | None) -> None:
    """Put the dump in the database's place, migrated and marked as of the past; nothing is changed when it fails.

    Raises:
        StackError, SafeError: it can't be loaded, it is newer than this version, or its keyring can't be opened.
    """
    info, log = stack.info(), stack.logs / "restore.log"
    database, admin = manifest.database, info.admin_database
    draft = f"{database}_restored"
    try:
        await dumps.load(admin, dump_file(folder, manifest.service), database, draft, log)
        async with dumps.closed(admin, database):
            await _stop(stack, manifest.service)
            if manifest.service == "retention":
                await _keyring_into(stack, draft, keyring)
            await stack.migrate(manifest.service, draft, log)
            await _mark(_named(info.databases[database], draft), manifest)
            await dumps.take_place(admin, draft, database)
    finally:
        await dumps.drop(admin, draft)


async def _mark(dsn: str, manifest: Manifest) -> None:
    connection = await connect(dsn)
    try:
        await recoveries.begin(connection, Sign.TOLD, manifest.taken_at, SystemClock().now())
    finally:
        await connection.close()


async def _keyring_into(stack: Stack, draft: str, file: Path | None) -> None:
    """Keys of the newest backup beside the dump's: those made since the dump live, and those that it has under
    key-encryption keys that a rotation destroyed. What was destroyed since is in the ledger, and dies at the start."""
    info = stack.info()
    newest = file or keyring_backup.newest(info.kek.with_name("keyring-backups"))
    if newest is None:
        return
    connection = await connect(_named(info.databases["retention"], draft))
    try:
        restored = await restore_keyring(connection, newest, info.kek, beside=True)
    finally:
        await connection.close()
    console.print(f"{newest.name}: {restored.living:,} keys live; {restored.destroyed:,} stay destroyed")


async def _stop(stack: Stack, service: str) -> None:
    """End the service's process; its supervisor starts it anew, and it finds its database closed until we are done."""
    pid = _pid(stack, service)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = monotonic() + _ENDS_SECONDS
    while _pid(stack, service) == pid:
        if monotonic() > deadline:
            raise StackError(f"{service} did not end in {_ENDS_SECONDS:.0f} s; end it with: kill -KILL {pid}")
        await asyncio.sleep(_LOOK_SECONDS)


def _pid(stack: Stack, service: str) -> int | None:
    now = stack.status()
    return next((one.pid for one in now.processes if one.name == service), None) if now is not None else None


async def wait_until_caught_up(stack: Stack, service: str) -> None:
    """Return once the service says that it is ready, and that there is nothing more to catch up with."""
    deadline, shown = monotonic() + _READY_SECONDS, ""
    async with operating(stack.info(), tries=1) as operator:
        while monotonic() < deadline:
            now = stack.status()
            ready = now is not None and now.process(service).state is ProcessState.READY
            try:
                doing = (await operator.status(service)).recovering
            except (Refused, Unreachable):
                doing = "starting"
            if ready and doing is None:
                return
            if doing is not None and doing != shown:
                console.print(f"{service}: {doing}", soft_wrap=True)
                shown = doing
            await asyncio.sleep(_LOOK_SECONDS)
    raise StackError(f"{service} has not caught up in {_READY_SECONDS:.0f} s; `tillit status` and its log say why")


def _chosen(stack: Stack, service: str) -> list[str]:
    known = list(stack.info().services)
    if service not in (*known, "all"):
        raise typer.BadParameter(f"the services are {', '.join(known)}, or all of them: all", param_hint="SERVICE")
    return known if service == "all" else [service]


def _database(service: str) -> str:
    return service.replace("-", "_")


def _named(dsn: str, database: str) -> str:
    return f"{dsn.rpartition('/')[0]}/{database}"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
