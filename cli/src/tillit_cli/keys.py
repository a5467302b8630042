"""`tillit keys`: the keyring: its counts, the rotation of its key-encryption key, its restore from backup and custody."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from chassis.clock import monotonic
from chassis.sql import connect
from local_stack.stack import Stack
from retention_service.custody import restore_epochs
from retention_service.restore_keyring import restore
from rich.console import Console
from rich.table import Table

from tillit_cli.keyring_calls import Rotation, keyring_status, rotate, rotations
from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

_LOOK_SECONDS: Final = 0.2
_WORKER_SECONDS: Final = 60.0
"""How long a rotation may stand still before this command tells so and ends; the rotation goes on by itself."""

console = Console(width=None if sys.stdout.isatty() else 160)
group = typer.Typer(no_args_is_help=True, help="The keyring: status, rotation, restore from a backup, custody.")


@group.command()
def status(state: State = None) -> None:
    """Show living and destroyed keys, epochs of the key-encryption key, and the last rotation."""
    asyncio.run(_status(Stack(state)))


@group.command(name="rotate")
def rotate_keys(state: State = None) -> None:
    """Put every key under a new key-encryption key, prove a fresh backup, destroy the old one; services go on working.

    Shows each step. Run it again after whatever stopped it: it goes on where it stood. Exit code 1 when it is stopped.
    """
    if not asyncio.run(_rotate(Stack(state))):
        raise typer.Exit(1)


@group.command(name="restore")
def restore_backup(
    file: Annotated[Path, typer.Argument(help="A backup of the keyring, as a rotation or the daily backup wrote it.")],
    state: State = None,
) -> None:
    """Put a backup into the keyring's database, which was just migrated and is empty; what was destroyed stays so."""
    info = Stack(state).info()

    async def put() -> None:
        connection = await connect(info.databases["retention"])
        try:
            restored = await restore(connection, file, info.kek)
        finally:
            await connection.close()
        console.print(f"{restored.living} keys live again; {restored.destroyed} stay destroyed.")

    asyncio.run(put())


@group.command()
def custody(
    places: Annotated[list[Path], typer.Argument(help="Folders with shares; a majority of them is enough.")],
    into: Annotated[
        Path | None, typer.Option(help="The folder of key-encryption keys; the stack's by default.")
    ] = None,
    state: State = None,
) -> None:
    """Make lost key-encryption keys again from the shares in custody. What is there already is left as it is."""
    made = restore_epochs(places, into or Stack(state).info().kek)
    epochs = ", ".join(map(str, made))
    console.print(f"Restored: epoch {epochs}." if made else "Nothing was missing.")


async def _status(stack: Stack) -> None:
    async with operating(stack.info(), tries=1) as operator:
        keyring, rotating = await keyring_status(operator), await rotations(operator)
    table = Table("category", "living", "destroyed", box=None, header_style="bold")
    for count in keyring.categories:
        table.add_row(count.category, f"{count.living:,}", f"{count.destroyed:,}")
    console.print(table)
    under = ", ".join(f"{keys:,} under {epoch}" for epoch, keys in keyring.living_by_epoch.items())
    console.print(f"epoch {keyring.newest_epoch} wraps new keys; living keys: {under or 'none'}")
    console.print("custody: shares of every key-encryption key" if rotating.custody else "custody: none")
    if rotating.latest is not None:
        console.print(f"rotation: {told(rotating.latest)}", soft_wrap=True)
    if rotating.due_at is not None:
        console.print(f"the next rotation is due {rotating.due_at:%Y-%m-%d %H:%M} UTC")


async def _rotate(stack: Stack) -> bool:
    async with operating(stack.info()) as operator:
        latest = (await rotate(operator)).latest
        shown, since = "", monotonic()
        while latest is not None:
            if (text := told(latest)) != shown:
                console.print(text, soft_wrap=True)
                shown, since = text, monotonic()
            if latest.done_at is not None or latest.stopped_by is not None:
                return latest.done_at is not None
            if monotonic() - since > _WORKER_SECONDS:
                console.print("Nothing happens: is a worker of retention running? `tillit status` tells.")
                return False
            await asyncio.sleep(_LOOK_SECONDS)
            latest = (await rotations(operator)).latest
    return False


def told(rotation: Rotation) -> str:
    """Where a rotation stands, in words."""
    if rotation.done_at is not None:
        gone = ", ".join(map(str, rotation.destroyed)) or "none"
        return (
            f"done at {rotation.done_at:%Y-%m-%d %H:%M} UTC: {rotation.rewrapped:,} keys under epoch {rotation.epoch}, "
            f"{rotation.proved_keys or 0:,} of its backup {rotation.backup} opened, epochs destroyed: {gone}"
        )
    progress = f"{rotation.stage}: epoch {rotation.epoch}, {rotation.rewrapped:,} of {rotation.keys:,} keys re-wrapped"
    if rotation.backup is not None:
        progress += f", backup {rotation.backup} with {rotation.backup_keys or 0:,} keys"
    if rotation.stopped_by is not None:
        progress += f"\nstopped: {rotation.stopped_by}\nNothing is destroyed. `tillit keys rotate` goes on."
    return progress
