"""`tillit parked`: what the services could not process: running it again, and giving it up."""

import asyncio
import sys
from typing import Annotated, Final

import typer
from chassis.admin_answers import ParkedRecord
from local_stack.stack import Stack
from rich.console import Console
from rich.table import Table

from tillit_cli.operator_calls import Operator, chosen, operating
from tillit_cli.patient_http import Refused, Unreachable
from tillit_cli.stack import State

_LIST_SECONDS: Final = 10.0

console = Console(width=None if sys.stdout.isatty() else 160)
group = typer.Typer(
    no_args_is_help=True, help="Records that a service could not process: list them, run them again, give them up."
)

Service = Annotated[str | None, typer.Option("--service", help="One service; all of them without it.")]


@group.command(name="list")
def list_parked(service: Service = None, state: State = None) -> None:
    """Show parked records, oldest first, with the reason. Their content is never shown.

    Exit code 1 when a service does not answer: what the others have is shown.
    """
    if not asyncio.run(_list(Stack(state), service)):
        raise typer.Exit(1)


@group.command()
def replay(
    topic: Annotated[str | None, typer.Option(help="Only what came on this topic.")] = None,
    key: Annotated[str | None, typer.Option(help="Only what has this record key.")] = None,
    service: Service = None,
    state: State = None,
) -> None:
    """Run parked records again, in order, up to the first of each key that still fails. Safe to repeat.

    Exit code 1 when something still fails.
    """
    if asyncio.run(_replay(Stack(state), service, topic, key)):
        raise typer.Exit(1)


@group.command()
def discard(
    service: Annotated[str, typer.Argument(help="The service that has parked it.")],
    parked_id: Annotated[int, typer.Argument(metavar="ID", min=1, help="As `tillit parked list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TICKET", help="Ticket or reason code, without spaces.")],
    state: State = None,
) -> None:
    """Give up one parked record for good: it never runs. Ticket and operator are logged by the service.

    An event of the privacy protocol can't be discarded.
    """
    asyncio.run(_discard(Stack(state), service, parked_id, reason))


async def _discard(stack: Stack, service: str, parked_id: int, reason: str) -> None:
    async with operating(stack.info()) as operator:
        [name] = chosen(operator.services, service)
        gone = await operator.discard(name, parked_id, reason)
    record = gone.record
    kind = record.event_type or "an unreadable record"
    console.print(f"{name}: {kind} at {record.topic} {record.partition}@{record.offset} is discarded.")
    if gone.waiting:
        command = f"tillit parked replay --service {name} --topic {record.topic} --key {record.key}"
        console.print(f"{gone.waiting} records of its key are parked still: `{command}`", soft_wrap=True)


async def _list(stack: Stack, service: str | None) -> bool:
    table = Table("service", "id", "topic", "place", "type", "key", "since", "reason", box=None, header_style="bold")
    for column in table.columns[:-1]:
        column.no_wrap = True
    silent: list[str] = []
    async with operating(stack.info(), tries=1, answer_seconds=_LIST_SECONDS) as operator:
        for name in chosen(operator.services, service):
            try:
                records = [record async for record in operator.parked(name)]
            except (Refused, Unreachable) as error:
                silent.append(str(error))
                continue
            for record in records:
                table.add_row(name, *_cells(record))
    if table.row_count or not silent:
        console.print(table if table.row_count else "Nothing is parked.")
    for line in silent:
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    return not silent


def _cells(record: ParkedRecord) -> list[str]:
    place = f"{record.partition}@{record.offset}"
    since = f"{record.parked_at:%Y-%m-%d %H:%M}"
    kind, key = record.event_type or "unreadable", record.key or ""
    return [str(record.id), record.topic, place, kind, key, since, record.reason]


async def _replay(stack: Stack, service: str | None, topic: str | None, key: str | None) -> bool:
    failed, ran = False, 0
    async with operating(stack.info()) as operator:
        names = chosen(operator.services, service)
        for name in names:
            for outcome in await operator.replay(name, topic, key):
                ran += outcome.done
                if outcome.stopped_by is not None:
                    failed = True
                    console.print(f"{name}: {outcome.topic} {outcome.key}: still fails: {outcome.stopped_by}")
        console.print(f"{ran} parked records ran.")
        for name in names:
            if unreadable := await _without_key(operator, name):
                console.print(
                    f"{name}: {unreadable} parked records have no key that could be read, so nothing can run them. "
                    "Their producer sends them anew, and `tillit parked discard` lets these go.",
                    soft_wrap=True,
                )
    return failed


async def _without_key(operator: Operator, service: str) -> int:
    return len([record.id async for record in operator.parked(service) if record.key is None])
