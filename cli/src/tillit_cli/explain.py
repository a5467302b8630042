"""`tillit explain`: why each stored field of a person is still here, in every service, and when it goes."""

import asyncio
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import typer
from chassis.explain import Explanation, KeptRows
from local_stack.stack import Stack
from rich.console import Console, RenderableType
from rich.table import Table

from tillit_cli.operator_calls import operating
from tillit_cli.stack import State

console: Final = Console(soft_wrap=True)


def explain(
    subject: Annotated[UUID, typer.Argument(help="The person's random id.")],
    state: State = None,
) -> None:
    """Tell what every service keeps of a person: which fields, why, by which rule, held by what, until when."""
    for service in asyncio.run(_explained(Stack(state), subject)):
        console.print(f"\n[bold]{service.service}[/]{_state(service)}")
        console.print(_table(service) if service.kept else "  nothing")


async def _explained(stack: Stack, subject: UUID) -> list[Explanation]:
    async with operating(stack.info()) as operator:
        return [await operator.explain(service, subject) for service in operator.services]


def _state(service: Explanation) -> str:
    told = [f"restricted: {why}" for why in service.restrictions]
    if service.erased_at is not None:
        told.append(f"erased {_day(service.erased_at)}: {', '.join(service.erased)}")
    return f" ({'; '.join(told)})" if told else ""


def _table(service: Explanation) -> RenderableType:
    table = Table("table", "rows", "fields", "why", "rule", "held", "goes", box=None, header_style="bold")
    for one in service.kept:
        fields = ", ".join(f"{name} ({form})" for name, form in one.fields.items())
        why = "; ".join(f"{why.purpose} {why.title} ({', '.join(why.bases)})" for why in one.why)
        holds = ", ".join(f"{hold.ground}, review {_day(hold.review_on)}" for hold in one.holds)
        table.add_row(one.table, str(one.rows), fields, why, one.rule, holds or "no", _goes(one))
    return table


def _goes(kept: KeptRows) -> str:
    """The day, or the days of the first and the last row; without a clock, the event that the rule names."""
    if kept.first_goes is None or kept.last_goes is None:
        return "by the rule"
    first, last = _day(kept.first_goes), _day(kept.last_goes)
    return first if first == last else f"{first} to {last}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
