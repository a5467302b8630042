"""`tillit parked`: what the services could not process, and running it again."""

import asyncio
from typing import Annotated

import typer
from local_stack.stack import Stack
from rich.console import Console
from rich.table import Table

from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

console = Console()
group = typer.Typer(no_args_is_help=True, help="Records that a service could not process: list them, run them again.")

Service = Annotated[str | None, typer.Option("--service", help="One service; all of them without it.")]


@group.command(name="list")
def list_parked(service: Service = None, state: State = None) -> None:
    """Show parked records, oldest first, with the reason. Their content is never shown."""
    asyncio.run(_list(Stack(state), service))


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


async def _list(stack: Stack, service: str | None) -> None:
    table = Table("service", "id", "topic", "place", "type", "key", "since", "reason", box=None, header_style="bold")
    async with operating(stack.info()) as operator:
        for name in _chosen(operator.services, service):
            async for record in operator.parked(name):
                place = f"{record.partition}@{record.offset}"
                since = f"{record.parked_at:%Y-%m-%d %H:%M}"
                kind, key = record.event_type or "unreadable", record.key or ""
                table.add_row(name, str(record.id), record.topic, place, kind, key, since, record.reason)
    console.print(table if table.row_count else "Nothing is parked.")


async def _replay(stack: Stack, service: str | None, topic: str | None, key: str | None) -> bool:
    failed, ran = False, 0
    async with operating(stack.info()) as operator:
        for name in _chosen(operator.services, service):
            for outcome in await operator.replay(name, topic, key):
                ran += outcome.done
                if outcome.stopped_by is not None:
                    failed = True
                    console.print(f"{name}: {outcome.topic} {outcome.key}: still fails: {outcome.stopped_by}")
    console.print(f"{ran} parked records ran.")
    return failed


def _chosen(known: list[str], service: str | None) -> list[str]:
    if service is not None and service not in known:
        raise typer.BadParameter(f"the services are {', '.join(known)}", param_hint="--service")
    return known if service is None else [service]
