"""`tillit explain`: why each stored field of a person is still here, in every service, and when it goes."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import typer
from chassis.explain import Explanation, KeptRows
from local_stack.stack import Stack
from rich.console import Console

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
        for line in [line for kept in service.kept for line in _lines(kept)] or ["  nothing"]:
            console.print(line, markup=False, highlight=False)


async def _explained(stack: Stack, subject: UUID) -> list[Explanation]:
    async with operating(stack.info()) as operator:
        return [await operator.explain(service, subject) for service in operator.services]


def _state(service: Explanation) -> str:
    told = [f"restricted: {why}" for why in service.restrictions]
    if service.erased_at is not None:
        told.append(f"erased {_day(service.erased_at)}: {', '.join(service.erased)}")
    return f" ({'; '.join(told)})" if told else ""


def _lines(kept: KeptRows) -> Iterator[str]:
    yield f"  {kept.table}: {kept.rows} rows" + (f" of {kept.category}" if kept.category is not None else "")
    yield "    fields  " + ", ".join(f"{name} ({form})" for name, form in kept.fields.items())
    yield "    why     " + "; ".join(f"{why.purpose} {why.title} ({', '.join(why.bases)})" for why in kept.why)
    yield f"    rule    {kept.rule}"
    for hold in kept.holds:
        yield f"    held    on {hold.ground}, looked at again on {_day(hold.review_on)}"
    yield f"    goes    {_goes(kept)}"


def _goes(kept: KeptRows) -> str:
    """The day, or the days of the first and the last row; without a clock, the event that the rule names."""
    if kept.first_goes is None or kept.last_goes is None:
        return "when the rule says so, which is no day yet"
    first, last = _day(kept.first_goes), _day(kept.last_goes)
    return first if first == last else f"{first} to {last}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
