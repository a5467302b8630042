"""`tillit hold`: what of a person may not be erased for now, why, and until when somebody looks at it again (R5)."""

import asyncio
import sys
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import typer
from contracts.personal import Category
from contracts.privacy import LegalGround
from local_stack.stack import Stack
from pydantic import BaseModel, JsonValue
from rich.console import Console
from rich.table import Column, Table

from tillit_cli.operator_calls import Operator, operating
from tillit_cli.stack import State

_WIDE: Final = 180
console: Final = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
group = typer.Typer(no_args_is_help=True, help="What of a person may not be erased for now.")
Officer = Annotated[str, typer.Option("--as", metavar="OFFICER", help="Whose key signs, and who answers for it.")]
ReviewOn = Annotated[datetime, typer.Option("--review-on", formats=["%Y-%m-%d"], help="Within a year, UTC.")]
HoldId = Annotated[UUID, typer.Argument(metavar="HOLD", help="As `tillit hold list` shows it.")]


class HoldSeen(BaseModel):
    """A hold, as the retention service shows it."""

    hold_id: UUID
    subject_id: UUID
    ground: LegalGround
    category: Category | None
    holder: str | None
    table: str | None
    records: list[UUID]
    owner: str
    review_on: datetime
    lifted_at: datetime | None
    overdue: bool
    too_late: list[str] = []

    @property
    def about(self) -> str:
        """What it holds, in a few words."""
        if self.table is not None:
            which = f"{len(self.records)} records of " if self.records else ""
            return f"{which}{self.holder}.{self.table}"
        parts = [part for part in (self.holder, self.category) if part is not None]
        return ", ".join(parts) or "the whole person"


class _HoldPage(BaseModel):
    items: list[HoldSeen]
    next: str | None


@group.command()
def place(
    subject: Annotated[UUID, typer.Argument(help="The person's random id.")],
    reason: Annotated[str, typer.Option(prompt=True, help="Why; it is sealed. Asked for when it is not given.")],
    review_on: ReviewOn,
    ground: Annotated[LegalGround, typer.Option(help="GDPR Art. 17(3).")] = LegalGround.LEGAL_CLAIM,
    category: Annotated[Category | None, typer.Option(help="Only this category.")] = None,
    holder: Annotated[str | None, typer.Option(help="Only what this service holds.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table of the holder.")] = None,
    record: Annotated[list[UUID] | None, typer.Option(help="Only this record of the table; again for more.")] = None,
    whole_person: Annotated[bool, typer.Option(help="Everything of the person, in so many words.")] = False,
    officer: Officer = "privacy-officer",
    state: State = None,
) -> None:
    """Hold data back from erasure. It is kept under a key of its own, and nothing else of the person stays."""
    body: dict[str, JsonValue] = {
        "subject_id": str(subject),
        "reason": reason,
        "review_on": f"{review_on:%Y-%m-%d}T00:00:00Z",
        "ground": ground,
        "category": category,
        "holder": holder,
        "table": table,
        "records": [str(one) for one in record or []],
        "whole_person": whole_person,
    }
    placed = asyncio.run(_post(Stack(state), officer, "/holds", body))
    console.print(f"Hold {placed.hold_id} on {placed.about}, to be looked at again on {placed.review_on:%Y-%m-%d}.")
    if placed.too_late:
        console.print(f"Too late for what is erased already by {', '.join(placed.too_late)}.")


@group.command()
def lift(hold: HoldId, officer: Officer = "privacy-officer", state: State = None) -> None:
    """End a hold. Its key is destroyed, and what was due for erasure meanwhile goes at once."""
    lifted = asyncio.run(_post(Stack(state), officer, f"/holds/{hold}/lift", {}))
    console.print(f"Lifted: {lifted.about}.")


@group.command()
def review(hold: HoldId, review_on: ReviewOn, officer: Officer = "privacy-officer", state: State = None) -> None:
    """Say that a hold was looked at and stays; whoever says so answers for it."""
    body: dict[str, JsonValue] = {"review_on": f"{review_on:%Y-%m-%d}T00:00:00Z"}
    reviewed = asyncio.run(_post(Stack(state), officer, f"/holds/{hold}/review", body))
    console.print(f"{reviewed.owner} answers for it until {reviewed.review_on:%Y-%m-%d}.")


@group.command("list")
def list_(
    subject: Annotated[UUID | None, typer.Argument(help="Of this person only.")] = None,
    overdue: Annotated[bool, typer.Option(help="Only those that nobody has looked at in time.")] = False,
    officer: Officer = "privacy-officer",
    state: State = None,
) -> None:
    """Show holds, newest first. Exit code 1 when the review of one is overdue."""
    found = asyncio.run(_list(Stack(state), officer, subject, overdue=overdue))
    table = Table(
        Column("hold", no_wrap=True), "about", "person", "ground", "owner", "review", "", box=None, header_style="bold"
    )
    for hold in found:
        mark = "overdue" if hold.overdue else "" if hold.lifted_at is None else "lifted"
        review_day = f"{hold.review_on:%Y-%m-%d}"
        table.add_row(str(hold.hold_id), hold.about, str(hold.subject_id), hold.ground, hold.owner, review_day, mark)
    console.print(table if found else "No holds.")
    if any(hold.overdue for hold in found):
        raise typer.Exit(1)


async def overdue_holds(operator: Operator) -> int:
    """How many holds in force nobody has looked at in time."""
    return len(await _all(operator, {"overdue": "true"}))


async def _post(stack: Stack, officer: str, path: str, body: dict[str, JsonValue]) -> HoldSeen:
    async with operating(stack.info(), officer=officer) as operator:
        return HoldSeen.model_validate_json(await operator.call("retention", "POST", path, body=body))


async def _list(stack: Stack, officer: str, subject: UUID | None, *, overdue: bool) -> list[HoldSeen]:
    query = {"overdue": "true"} if overdue else {}
    if subject is not None:
        query["subject_id"] = str(subject)
    async with operating(stack.info(), officer=officer) as operator:
        return await _all(operator, query)


async def _all(operator: Operator, query: dict[str, str]) -> list[HoldSeen]:
    found: list[HoldSeen] = []
    query = {**query, "limit": "200"}
    while True:
        page = _HoldPage.model_validate_json(await operator.call("retention", "GET", "/holds", query=query))
        found += page.items
        if page.next is None:
            return found
        query["cursor"] = page.next
