"""`tillit outbox`: events that the broker does not take as they are, and trying them again."""

import asyncio
import sys
from typing import Annotated

import typer
from local_stack.stack import Stack
from rich.console import Console
from rich.table import Table

from tillit_cli.operator_calls import chosen, operating
from tillit_cli.patient_http import Refused, Unreachable
from tillit_cli.stack import State

console = Console(width=None if sys.stdout.isatty() else 160)
group = typer.Typer(no_args_is_help=True, help="Events that the broker refused: list them, try them again.")

Service = Annotated[str | None, typer.Option("--service", help="One service; all of them without it.")]


@group.command(name="list")
def list_refused(service: Service = None, state: State = None) -> None:
    """Show refused events, oldest first, with the reason. Later events of their keys wait behind them.

    Exit code 1 when a service does not answer: what the others have is shown.
    """
    if not asyncio.run(_list(Stack(state), service)):
        raise typer.Exit(1)


@group.command()
def retry(
    position: Annotated[int | None, typer.Option(help="Only this row, of the one service that is named.")] = None,
    service: Service = None,
    state: State = None,
) -> None:
    """Have refused events sent again, once the broker takes them. Safe to repeat: what is still refused says so."""
    if position is not None and service is None:
        raise typer.BadParameter("rows are numbered per service: name one", param_hint="--service")
    asyncio.run(_retry(Stack(state), service, position))


async def _list(stack: Stack, service: str | None) -> bool:
    table = Table("service", "row", "topic", "type", "event", "since", "reason", box=None, header_style="bold")
    silent: list[str] = []
    async with operating(stack.info(), tries=1) as operator:
        for name in chosen(operator.services, service):
            try:
                records = [record async for record in operator.refused(name)]
            except (Refused, Unreachable) as error:
                silent.append(str(error))
                continue
            for row in records:
                since, why = f"{row.created_at:%Y-%m-%d %H:%M}", row.refused or ""
                table.add_row(name, str(row.position), row.topic, row.event_type, str(row.event_id), since, why)
    if table.row_count or not silent:
        console.print(table if table.row_count else "Nothing is refused.")
    for line in silent:
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    return not silent


async def _retry(stack: Stack, service: str | None, position: int | None) -> None:
    async with operating(stack.info()) as operator:
        for name in chosen(operator.services, service):
            if count := await operator.retry_refused(name, position):
                console.print(f"{name}: {count} events are tried again.")
    console.print("`tillit outbox list` shows what is refused still.")
