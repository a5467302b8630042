"""`tillit holders`: who holds data of people, and which of them is gone for good."""

import asyncio
import sys
from datetime import datetime
from typing import Annotated, Final

import typer
from local_stack.stack import Stack
from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.table import Table

from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

_WIDE: Final = 180
console: Final = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
group = typer.Typer(no_args_is_help=True, help="Who holds data of people, and is asked in every erasure.")


class HolderSeen(BaseModel):
    """A holder, as the retention service shows it."""

    holder: str
    registered_at: datetime
    tables: int
    required: bool
    waiting: int
    agreed: str | None
    reason: str | None
    retired_at: datetime | None


class _Retired(BaseModel):
    retired: bool


_HOLDERS: Final = TypeAdapter(list[HolderSeen])


@group.command(name="list")
def list_holders(state: State = None) -> None:
    """Show every holder that ever registered, and how many erasures wait for it."""
    asyncio.run(_list(Stack(state)))


@group.command()
def retire(
    holder: Annotated[str, typer.Argument(help="As `tillit holders list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why it is gone for good; never about a person.")],
    officer: Annotated[
        str, typer.Option("--as", metavar="OFFICER", help="Whose key signs: operator, privacy-officer.")
    ] = "operator",
    state: State = None,
) -> None:
    """Agree that a holder is gone for good and is asked no more. It takes two officers, and can't be taken back.

    What it left unanswered stays unanswered: receipts name it, with the day.
    """
    asyncio.run(_retire(Stack(state), holder, reason, officer))


async def _list(stack: Stack) -> None:
    async with operating(stack.info()) as operator:
        known = _HOLDERS.validate_json(await operator.call("retention", "GET", "/holders"))
    table = Table("holder", "tables", "erasures that wait", "state", box=None)
    for one in known:
        table.add_row(one.holder, str(one.tables), str(one.waiting), _state(one))
    console.print(table)


def _state(one: HolderSeen) -> str:
    if one.retired_at is not None:
        return f"retired on {one.retired_at:%Y-%m-%d}: {one.reason}"
    if one.agreed is not None:
        return f"{one.agreed} would retire it: {one.reason}; another officer must agree"
    return "required" if one.required else "asked"


async def _retire(stack: Stack, holder: str, reason: str, officer: str) -> None:
    async with operating(stack.info(), officer=officer) as operator:
        answer = await operator.call("retention", "POST", f"/holders/{holder}/retirement", body={"reason": reason})
    if _Retired.model_validate_json(answer).retired:
        console.print(f"{holder} is retired: erasures go on without its answer, and their receipts say so.")
    else:
        console.print(f"{officer} has agreed. {holder} is asked until another officer agrees too.")
