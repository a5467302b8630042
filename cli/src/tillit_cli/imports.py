"""`tillit import`: adverts and people from files, through the portal's public routes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from chassis.clock import SystemClock
from local_stack.stack import Stack
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tillit_cli.import_file import ReadItem
from tillit_cli.import_people import PeopleImport
from tillit_cli.import_positions import PositionsImport
from tillit_cli.import_run import ImportSummary, Send, send_all, told_reasons
from tillit_cli.job_posting import read_positions
from tillit_cli.json_resume import read_people
from tillit_cli.portal import portal_at
from tillit_cli.stack import State

T = TypeVar("T")

console = Console()
group = typer.Typer(no_args_is_help=True, help="Adverts and people from files. A bad item does not stop the others.")

File = Annotated[Path, typer.Argument(help="The file to read.")]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 1 when an item was bad; else they are only listed.")]
AtOnce = Annotated[int, typer.Option("--at-once", min=1, max=32, help="How many items are sent at the same time.")]
ProfileUrl = Annotated[str | None, typer.Option("--profile", help="The profile service; else the local stack's.")]
OperatorKey = Annotated[
    Path | None, typer.Option("--operator-key", help="The operator's private key; else the local stack's.")
]


@group.command()
def positions(
    file: File,
    strict: Strict = False,
    at_once: AtOnce = 4,
    profile: ProfileUrl = None,
    operator_key: OperatorKey = None,
    state: State = None,
) -> None:
    """Publish the adverts of a schema.org JobPosting file (JSON-LD: one, a list, or a @graph).

    Each employer gets an account of the importer's own at its first advert. Repeating an import adds nothing. A bad
    item is listed with its index and the reason, and the others go in; the exit code is 0 then, and 1 with --strict
    or when the file as a whole can't be read.
    """
    stack = Stack(state)
    url = profile or stack.info().services["profile"]
    key_file = operator_key or stack.info().operator_key_file

    async def run() -> ImportSummary:
        async with portal_at(url) as portal:
            return await shown("positions", read_positions(file), PositionsImport(portal, key_file).send, at_once)

    _end(run, "positions", strict)


@group.command()
def people(
    file: File, strict: Strict = False, at_once: AtOnce = 4, profile: ProfileUrl = None, state: State = None
) -> None:
    """Register the people of a JSON Resume 1.x file (one, or a list) as job seekers.

    Birth date and wanted positions stand in `meta.tillit` (`birthDate`, `jobInterests`). Passwords are random and shown
    to nobody. A person whose address is registered already is left alone. A bad item is listed with its index and the
    reason, and the others go in; the exit code is 0 then, and 1 with --strict or when the file as a whole can't be read.
    """
    url = profile or Stack(state).info().services["profile"]

    async def run() -> ImportSummary:
        async with portal_at(url) as portal:
            items = read_people(file, today=SystemClock().now().date())
            return await shown("people", items, PeopleImport(portal).send, at_once)

    _end(run, "people", strict)


async def shown(what: str, items: Iterable[ReadItem[T]], send: Send[T], at_once: int) -> ImportSummary:
    """Send them with a bar that says how far it has come."""
    everything = list(items)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[bad]}"))
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=len(everything), bad="")

        def told(summary: ImportSummary) -> None:
            bad = f"{len(summary.bad)} bad" if summary.bad else ""
            progress.update(bar, completed=summary.total, bad=bad)

        return await send_all(everything, send, at_once=at_once, told=told)


def _end(run: Callable[[], Awaitable[ImportSummary]], what: str, strict: bool) -> None:
    async def awaited() -> ImportSummary:
        return await run()

    summary = asyncio.run(awaited())
    for line in told_reasons(summary):
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{what}: {summary.added} added, {summary.known} there already, {len(summary.bad)} bad")
    if summary.ignored_fields:
        console.print(f"{summary.ignored_fields} fields were of no use here and are left out")
    if summary.unusable or (strict and summary.bad):
        raise typer.Exit(1)
