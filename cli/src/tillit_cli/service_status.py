"""What each service says of itself to an operator: what waits to be sent, what is parked, what is to be done."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias

from chassis.admin_answers import ServiceStatus
from chassis.clock import SystemClock
from local_stack.stack import StackInfo
from rich.console import Console
from rich.table import Table

from tillit_cli.operator_calls import Erasure, Operator, operating
from tillit_cli.patient_http import Refused, Unreachable

Told: TypeAlias = ServiceStatus | str

_ANSWER_SECONDS: Final = 5.0
"""Who looks at the status looks because something is wrong: a service that hangs must not make it hang."""


def show_services(info: StackInfo, console: Console, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
    """One line per service, and the erasures that are not done; of one that does not answer soon its line says so."""
    told, erasures = asyncio.run(_ask(info, answer_seconds))
    table = Table("service", "to send", "refused", "parked", "work", box=None, header_style="bold")
    for name, status in told.items():
        if isinstance(status, str):
            table.add_row(name, status)
            continue
        oldest = "" if status.outbox_oldest is None else f", oldest {_age(status.outbox_oldest)}"
        work = ", ".join(f"{kind} {count}" for kind, count in sorted(status.work.items()) if count)
        table.add_row(name, f"{status.outbox_rows}{oldest}", str(status.outbox_refused), str(status.parked), work)
    console.print()
    console.print(table)
    for line in _open_erasures(erasures):
        console.print(line)


async def _ask(info: StackInfo, answer_seconds: float) -> tuple[dict[str, Told], Sequence[Erasure] | str]:
    async with operating(info, tries=1, answer_seconds=answer_seconds) as operator:
        statuses, erasures = await asyncio.gather(
            asyncio.gather(*(_status(operator, name) for name in operator.services)), _erasures(operator)
        )
        return dict(zip(operator.services, statuses, strict=True)), erasures


async def _status(operator: Operator, name: str) -> Told:
    try:
        return await operator.status(name)
    except (Refused, Unreachable) as error:
        return str(error)


async def _erasures(operator: Operator) -> Sequence[Erasure] | str:
    try:
        return await operator.erasures()
    except (Refused, Unreachable) as error:
        return f"erasures: {error}"


def _open_erasures(erasures: Sequence[Erasure] | str) -> list[str]:
    if isinstance(erasures, str):
        return [erasures]
    lines: list[str] = []
    for erasure in erasures:
        if erasure.done_at is None:
            silent = [answer.holder for answer in erasure.holders if answer.replied_at is None]
            waiting = f", no answer from {', '.join(silent)}" if silent else ""
            lines.append(f"erasure {erasure.erasure_id}: {erasure.stage} for {_age(erasure.requested_at)}{waiting}")
    return lines or ["No erasure is under way."]


def _age(since: datetime) -> str:
    return f"{(SystemClock().now() - since).total_seconds():.0f} s"
