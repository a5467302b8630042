"""Watches one person's erasure until `SubjectErased` is on Kafka, as a table that grows while it goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.clock import monotonic
from contracts.privacy import SubjectErased
from local_stack.stack import StackInfo
from rich.console import Group, RenderableType
from rich.table import Table

from tillit_cli.operator_calls import Erasure, Operator
from tillit_cli.proof.kafka_records import every_record

PAUSE: Final = 0.05


class NotErased(Exception):
    """The erasure did not end within the bound; the text says where it stands."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An erasure that ended: the person's request, and `SubjectErased` seen on Kafka, in seconds apart."""

    erasure: Erasure
    seconds: float


async def watch_erasure(
    info: StackInfo,
    operator: Operator,
    subject_id: UUID,
    *,
    asked: float,
    seconds: float,
    changed: Callable[[Erasure], None],
) -> Watched:
    """Return once it is over. `asked` is the monotonic time of the person's request.

    Raises:
        NotErased: it is not, within `seconds`.
    """
    deadline, erasure = asked + seconds, None
    while erasure is None or erasure.done_at is None:
        found = await operator.erasures(subject_id)
        if found and found[0] != erasure:
            erasure = found[0]
            changed(erasure)
        _check(deadline, erasure)
        await asyncio.sleep(PAUSE)
    while not await _told_on_kafka(info, subject_id):
        _check(deadline, erasure)
        await asyncio.sleep(PAUSE)
    return Watched(erasure, monotonic() - asked)


async def _told_on_kafka(info: StackInfo, subject_id: UUID) -> bool:
    type_, subject = SubjectErased.type.encode(), str(subject_id).encode()
    async for record in every_record(info.kafka_bootstrap, {SubjectErased.topic.name}):
        if record.header("ce_type") == type_ and record.header("ce_subject") == subject:
            return True
    return False


def _check(deadline: float, erasure: Erasure | None) -> None:
    if monotonic() < deadline:
        return
    if erasure is None:
        raise NotErased("no erasure began")
    silent = [answer.holder for answer in erasure.holders if answer.replied_at is None]
    raise NotErased(f"stage {erasure.stage}; silent: {', '.join(silent) or 'nobody'}")


def as_table(erasure: Erasure) -> RenderableType:
    """What each holder has erased, and how long each stage took."""
    holders = Table("holder", "answered after", "rows erased", "of which", box=None, header_style="bold")
    for answer in erasure.holders:
        if answer.replied_at is None or answer.rows is None:
            holders.add_row(answer.holder, f"asked {answer.attempts} times, silent", "", "")
            continue
        rows = {table: count for table, count in answer.rows.items() if count}
        after = _between(erasure.requested_at, answer.replied_at)
        parts = ", ".join(f"{table} {count}" for table, count in rows.items())
        holders.add_row(answer.holder, after, str(sum(rows.values())), parts or "nothing was here")
    stages = Table("stage", "took", box=None, header_style="bold")
    stages.add_row("asking every holder", _between(erasure.requested_at, erasure.answered_at))
    stages.add_row("fence: every holder has read past it", _between(erasure.answered_at, erasure.fenced_at))
    stages.add_row("telling who got their data", _between(erasure.fenced_at, erasure.told_at))
    stages.add_row("the last mail to them", _between(erasure.told_at, erasure.mailed_at))
    stages.add_row("destroying the keys", _between(erasure.mailed_at, erasure.done_at))
    return Group(holders, "", stages)


def _between(begin: datetime | None, end: datetime | None) -> str:
    if begin is None:
        return ""
    return "..." if end is None else f"{(end - begin).total_seconds() * 1000:.0f} ms"
