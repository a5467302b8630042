"""`tillit exports`: put a copy of a person's data aside for them, behind a link that works once."""

import asyncio
import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import typer
from local_stack.stack import Stack
from pydantic import BaseModel
from rich.console import Console

from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

console: Final = Console(soft_wrap=True)
group = typer.Typer(no_args_is_help=True, help="Copies of people's data that wait for them, for 7 days at most.")


class Opened(BaseModel):
    """What the retention service answers."""

    export_id: UUID
    token: str
    expires_at: datetime


@group.command("open")
def open_(
    subject: Annotated[UUID, typer.Argument(help="The person's random id.")],
    archive: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The copy, as it will be handed out.")],
    officer: Annotated[str, typer.Option("--as", metavar="OFFICER", help="Whose key signs.")] = "privacy-officer",
    state: State = None,
) -> None:
    """Seal this file under a key of its own and show the token of its link, once. An erasure of the person waits for it."""
    opened = asyncio.run(_open(Stack(state), subject, archive.read_bytes(), officer))
    console.print(f"Waits until {opened.expires_at:%Y-%m-%d %H:%M} UTC. The token is shown here only, and good once:")
    console.print(opened.token)


async def _open(stack: Stack, subject: UUID, archive: bytes, officer: str) -> Opened:
    body = {"subject_id": str(subject), "archive": base64.b64encode(archive).decode()}
    async with operating(stack.info(), officer=officer) as operator:
        return Opened.model_validate_json(await operator.call("retention", "POST", "/exports", body=body))


@group.command()
def collect(
    token: Annotated[str, typer.Argument(help="As `tillit exports open` showed it.")],
    into: Annotated[Path, typer.Argument(help="Where to write the copy; nothing may be there yet.")],
    state: State = None,
) -> None:
    """Fetch the copy, as the person would. It can't be fetched again: its key is destroyed."""
    with into.open("xb") as file:
        file.write(asyncio.run(_collect(Stack(state), token)))
    console.print(f"Written to {into}.")


async def _collect(stack: Stack, token: str) -> bytes:
    async with operating(stack.info()) as operator:
        return await operator.call("retention", "POST", "/exports/collect", body={"token": token})
