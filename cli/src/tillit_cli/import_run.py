"""Sends the items of a file one by one, several at a time: a bad one is reported, and the others go in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from tillit_cli.import_file import Parsed, ReadItem, Rejected
from tillit_cli.patient_http import Refused

T = TypeVar("T")


class Outcome(StrEnum):
    """What became of a good item."""

    ADDED = "added"
    KNOWN = "there already"


Send = Callable[[Parsed[T]], Awaitable[Outcome]]


@dataclass
class ImportSummary:
    """How an import ended."""

    added: int = 0
    known: int = 0
    ignored_fields: int = 0
    bad: list[Rejected] = field(default_factory=list[Rejected])

    @property
    def total(self) -> int:
        return self.added + self.known + len(self.bad)

    @property
    def unusable(self) -> bool:
        """Whether the file as a whole could not be read: no item of it was looked at."""
        return any(bad.index is None for bad in self.bad)


async def send_all(
    items: Iterable[ReadItem[T]], send: Send[T], *, at_once: int, told: Callable[[ImportSummary], None] | None = None
) -> ImportSummary:
    """Send every good item, `at_once` at a time.

    Raises:
        Unreachable: the service stopped answering; what was sent before is in, and a repeat finds it there.
    """
    summary = ImportSummary()
    waiting = iter(items)

    async def one_by_one() -> None:
        for item in waiting:
            await _send(item, send, summary)
            if told is not None:
                told(summary)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_by_one())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    summary.bad.sort(key=lambda bad: -1 if bad.index is None else bad.index)
    return summary


async def _send(item: ReadItem[T], send: Send[T], summary: ImportSummary) -> None:
    if isinstance(item, Rejected):
        summary.bad.append(item)
        return
    try:
        outcome = await send(item)
    except Refused as refusal:
        summary.bad.append(Rejected(item.index, f"refused: {refusal}"))
        return
    summary.ignored_fields += item.ignored_fields
    if outcome is Outcome.ADDED:
        summary.added += 1
    else:
        summary.known += 1


def told_reasons(summary: ImportSummary) -> Iterator[str]:
    """One line per bad item."""
    for bad in summary.bad:
        yield f"{'the file' if bad.index is None else f'item {bad.index}'}: {bad.reason}"
