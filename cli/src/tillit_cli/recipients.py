"""`tillit recipients`: who received data of a person, and whether each was told what became of it."""

import asyncio
from typing import Annotated, Final
from uuid import UUID

import typer
from local_stack.stack import Stack
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

console: Final = Console(soft_wrap=True)


class Told(BaseModel):
    """One notice."""

    kind: str
    state: str


class Received(BaseModel):
    """One disclosure, as the retention service answers."""

    name: str | None
    category: str
    disclosed_at: str
    notices: list[Told]


class Register(BaseModel):
    """Its newest disclosures."""

    items: list[Received]


def recipients(
    subject: Annotated[UUID, typer.Argument(help="The person's random id.")],
    officer: Annotated[str, typer.Option("--as", metavar="OFFICER", help="Whose key signs.")] = "privacy-officer",
    state: State = None,
) -> None:
    """Show who received data of a person, newest first, and where the notices to them stand."""
    found = asyncio.run(_of(Stack(state), subject, officer))
    table = Table("recipient", "received", "on", "told of", box=None, header_style="bold")
    for one in found.items:
        notices = ", ".join(f"{told.kind} ({told.state})" for told in one.notices)
        table.add_row(one.name or "not registered", one.category, one.disclosed_at[:10], notices or "nothing")
    console.print(table if found.items else "Nobody received data of this person.")


async def _of(stack: Stack, subject: UUID, officer: str) -> Register:
    async with operating(stack.info(), officer=officer) as operator:
        answer = await operator.call("retention", "GET", f"/recipients?subject_id={subject}&limit=200")
        return Register.model_validate_json(answer)
