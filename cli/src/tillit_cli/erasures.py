"""`tillit erasures`: how far a person's erasure is, what each holder erased, and what was found by looking again."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

import typer
from local_stack.stack import Stack
from rich.console import Console, RenderableType
from rich.table import Table

from tillit_cli.erasure_watch import as_table
from tillit_cli.operator_calls import Erasure, HolderScan, operating
from tillit_cli.stack import State

console: Final = Console(soft_wrap=True)
group = typer.Typer(no_args_is_help=True, help="Erasures of one person, and looks for what they left behind.")
Subject = Annotated[UUID, typer.Argument(help="The person's random id.")]


@group.command()
def show(subject: Subject, state: State = None) -> None:
    """Show every erasure of the person, newest first."""
    for erasure in asyncio.run(_erasures(Stack(state), subject)):
        console.print(f"{erasure.erasure_id}: {erasure.stage}; {', '.join(sorted(erasure.categories))}")
        console.print(as_table(erasure))
        console.print(_scans(erasure.scans))


@group.command()
def scan(subject: Subject, state: State = None) -> None:
    """Have every holder look now for what the person's newest erasure left behind."""
    erasure = asyncio.run(_scan(Stack(state), subject))
    console.print(f"Asked for, in erasure {erasure.erasure_id}: `tillit erasures show {subject}` tells what is found.")


async def _erasures(stack: Stack, subject: UUID) -> list[Erasure]:
    async with operating(stack.info()) as operator:
        found = await operator.erasures(subject)
    if not found:
        raise typer.BadParameter("no erasure of this person is known")
    return found


async def _scan(stack: Stack, subject: UUID) -> Erasure:
    erasure = (await _erasures(stack, subject))[0]
    async with operating(stack.info()) as operator:
        await operator.scan_for_residue(erasure.erasure_id)
    return erasure


def _scans(scans: Sequence[HolderScan]) -> RenderableType:
    """One line for each holder and look; a silent one says so."""
    if not scans:
        return "Not looked for residue yet: holders do 7 and 30 days after it is done."
    table = Table("looked again", "holder", "columns read", "found", box=None, header_style="bold")
    for one in scans:
        day = f"{one.requested_at:%Y-%m-%d %H:%M} UTC"
        if one.found is None:
            table.add_row(day, one.holder, "", f"asked {one.attempts} times, silent")
        else:
            found = ", ".join(f"{place} {rows}" for place, rows in one.found.items())
            table.add_row(day, one.holder, str(one.columns), found or "nothing")
    return table
