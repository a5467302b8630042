"""What each service says of itself to an operator, at a glance, and what to do about it. It names nobody."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from chassis.admin_answers import KeyringSeen, ServiceStatus
from chassis.clock import SystemClock
from local_stack.stack import StackInfo
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tillit_cli.holds import overdue_holds
from tillit_cli.operator_calls import Breaker, Erasure, OpenErasures, Operator, operating
from tillit_cli.patient_http import Refused, Unreachable

Told: TypeAlias = ServiceStatus | str

ANSWER_SECONDS: Final = 5.0
"""Who looks at the status looks because something is wrong: a service that hangs must not make it hang."""
_STALE: Final = timedelta(seconds=15)
"""Three times as old as what a living worker sees."""
_MOST_ERASURES: Final = 10
_COLUMNS: Final = (
    "service", "to send", "refused", "last relay", "lag", "parked", "work", "broker", "keyring", "keys",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What the services told; of one that did not, why."""

    services: Mapping[str, Told]
    open_erasures: Sequence[OpenErasures] | str
    erasures: Sequence[Erasure]
    breaker: Breaker | None = None
    """None where retention does not answer."""
    overdue_holds: int = 0


async def ask(info: StackInfo, *, answer_seconds: float = ANSWER_SECONDS) -> Seen:
    """Ask all services at the same time."""
    async with operating(info, tries=1, answer_seconds=answer_seconds) as operator:
        statuses, counts, erasures, breaker, overdue = await asyncio.gather(
            asyncio.gather(*(_status(operator, name) for name in operator.services)),
            _open_erasures(operator),
            _erasures(operator),
            _breaker(operator),
            _overdue_holds(operator),
        )
        return Seen(dict(zip(operator.services, statuses, strict=True)), counts, erasures, breaker, overdue)


def shown(seen: Seen) -> RenderableType:
    """As a table, what is amiss in yellow, with the cures below it."""
    table = Table(*_COLUMNS, box=None, header_style="bold", padding=(0, 2, 0, 0))
    silent: list[Text] = []
    for name, status in seen.services.items():
        if isinstance(status, str):
            table.add_row(name, Text("no answer", style="yellow"))
            silent.append(Text(f"{name}: {status}", style="yellow"))
        else:
            table.add_row(name, *_cells(status))
    cures = [
        Text(cure) for status in seen.services.values() if isinstance(status, ServiceStatus) for cure in _cures(status)
    ]
    return Group(table, *silent, *cures, *(Text(line) for line in _erasure_lines(seen)))


def as_json(seen: Seen) -> dict[str, object]:
    """The same for programs; a service that did not answer has an `error` instead."""
    return {
        "services": {
            name: {"error": status} if isinstance(status, str) else status.model_dump(mode="json")
            for name, status in seen.services.items()
        },
        "erasures": {"error": seen.open_erasures}
        if isinstance(seen.open_erasures, str)
        else {one.stage: {"count": one.count, "oldest": one.oldest.isoformat()} for one in seen.open_erasures},
        "breaker": None if seen.breaker is None else seen.breaker.model_dump(mode="json"),
    }


def _cells(status: ServiceStatus) -> list[RenderableType]:
    now = status.at or SystemClock().now()
    oldest = "" if status.outbox_oldest is None else f", oldest {_age(status.outbox_oldest, now)}"
    work = ", ".join(f"{kind} {count}" for kind, count in sorted(status.work.items()) if count)
    lag = [f"{topic} {count}" for topic, count in sorted(status.lag.items()) if count]
    return [
        f"{status.outbox_rows}{oldest}",
        _marked(str(status.outbox_refused), amiss=status.outbox_refused > 0),
        "never" if status.relay_at is None else f"{_age(status.relay_at, now)} ago",
        ", ".join(lag) or "0",
        _marked(str(status.parked), amiss=status.parked > 0),
        work,
        _broker(status, now),
        *_keyring(status.keyring, now),
    ]


def _broker(status: ServiceStatus, now: datetime) -> Text:
    """When a worker last heard of the broker; if no worker lives, nobody listens."""
    if status.worker_at is None or now - status.worker_at > _STALE:
        since = "" if status.worker_at is None else f" for {_age(status.worker_at, now)}"
        return _marked(f"no worker{since}", amiss=True)
    if status.broker_at is None:
        return _marked("not reached yet", amiss=True)
    away = now - status.broker_at > _STALE
    return _marked(f"{'silent for ' if away else ''}{_age(status.broker_at, now)}{'' if away else ' ago'}", amiss=away)


def _keyring(keyring: KeyringSeen | None, now: datetime) -> list[Text]:
    if keyring is None:
        return [Text("unknown"), Text("")]
    last = "never answered" if keyring.answered_at is None else f"{_age(keyring.answered_at, now)} ago"
    state = last if keyring.reachable else f"away, {last}"
    return [_marked(state, amiss=not keyring.reachable), Text(str(keyring.keys_cached))]


def _cures(status: ServiceStatus) -> Iterator[str]:
    if status.recovering is not None:
        yield f"{status.service}: its database was restored from a backup, and it is not ready yet: {status.recovering}."
    if status.outbox_refused:
        yield (
            f"{status.service}: the broker refuses {status.outbox_refused} events as they are: `tillit outbox list` says"
            " why; once that is cured, `tillit outbox retry`."
        )
    if status.parked:
        yield (
            f"{status.service}: {status.parked} records are parked: `tillit parked list --service {status.service}`"
            " says why; once that is cured, `tillit parked replay`."
        )


def _erasure_lines(seen: Seen) -> Iterator[str]:
    counts = seen.open_erasures
    if isinstance(counts, str):
        yield f"erasures: {counts}"
        return
    now = SystemClock().now()
    stages = [f"{one.stage} {one.count}, oldest {_age(one.oldest, now)}" for one in counts]
    yield f"Erasures under way: {'; '.join(stages)}." if stages else "No erasure is under way."
    if seen.breaker is not None and seen.breaker.tripped:
        yield f"The breaker holds {seen.breaker.held_back} erasures back: `tillit breaker status`"
    if seen.overdue_holds:
        yield f"{seen.overdue_holds} holds were not looked at in time: `tillit hold list --overdue`"
    for erasure in [erasure for erasure in seen.erasures if erasure.done_at is None][:_MOST_ERASURES]:
        waiting = [answer.holder for answer in erasure.holders if answer.replied_at is None]
        silent = f", no answer from {', '.join(waiting)}" if waiting else ""
        yield f"erasure {erasure.erasure_id}: {erasure.stage} for {_age(erasure.requested_at, now)}{silent}"


async def _status(operator: Operator, name: str) -> Told:
    try:
        return await operator.status(name)
    except (Refused, Unreachable) as error:
        return str(error)


async def _open_erasures(operator: Operator) -> Sequence[OpenErasures] | str:
    try:
        return await operator.open_erasures()
    except (Refused, Unreachable) as error:
        return str(error)


async def _erasures(operator: Operator) -> Sequence[Erasure]:
    try:
        return await operator.erasures()
    except (Refused, Unreachable):
        return ()  # the question for their number got the same answer, which is shown


async def _breaker(operator: Operator) -> Breaker | None:
    try:
        return await operator.breaker()
    except (Refused, Unreachable):
        return None  # likewise


async def _overdue_holds(operator: Operator) -> int:
    try:
        return await overdue_holds(operator)
    except (Refused, Unreachable):
        return 0  # likewise


def _marked(text: str, *, amiss: bool) -> Text:
    return Text(text, style="yellow" if amiss else "")


def _age(since: datetime, now: datetime) -> str:
    seconds = max(int((now - since).total_seconds()), 0)
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
