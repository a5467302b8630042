"""`tillit trace`: follows one event through outbox, topic, inbox and reactions of every service."""

import asyncio
import sys
from typing import Annotated, Final
from uuid import UUID

import typer
from chassis.admin_answers import ServiceTrace
from local_stack.stack import Stack, StackInfo
from rich.console import Console

from tillit_cli import topic_search
from tillit_cli.operator_calls import Operator, operating
from tillit_cli.patient_http import Refused, Unreachable
from tillit_cli.stack import State
from tillit_cli.trace_story import EventStory, add_what_tables_tell, all_events, as_tree, tell

_ANSWER_SECONDS: Final = 10.0
_MOST_EVENTS: Final = 60
"""Of how many events of a chain the services are asked."""

console = Console(width=None if sys.stdout.isatty() else 180)


class UnknownEvent(Exception):
    """Nobody knows the event; the text says who was asked."""


def trace(
    event_id: Annotated[UUID, typer.Argument(help="The event's id: ce_id on Kafka, event_id in lists and logs.")],
    state: State = None,
) -> None:
    """Follow one event: where it waits or stands, who took it in, parked or skipped it, and what it led to.

    Shows ids, types, places and times, never a key or a body. Exit code 1 when nobody knows the event, and when
    something could not be asked: what the others know is shown.
    """
    if not asyncio.run(_trace(Stack(state).info(), event_id)):
        raise typer.Exit(1)


async def _trace(info: StackInfo, event_id: UUID) -> bool:
    async with operating(info, tries=1, answer_seconds=_ANSWER_SECONDS) as operator:
        story, gap = await follow(info, operator, event_id)
    silent = sorted({name for name, answer in story.traces.items() if isinstance(answer, str)})
    if not story.known:
        unasked = ([f"{', '.join(silent)} did not answer."] if silent else []) + ([gap] if gap else [])
        nobody = f"nobody knows event {event_id}: it is in no outbox, inbox or parked store, and on no topic"
        raise UnknownEvent(" ".join([f"{nobody}.", *unasked]))
    console.print(as_tree(story), soft_wrap=True, highlight=False)
    if gap:
        console.print(gap, style="yellow", highlight=False)
    return not silent and gap is None


async def follow(info: StackInfo, operator: Operator, event_id: UUID) -> tuple[EventStory, str | None]:
    """The event's story, and what could not be read of the topics, if anything."""
    found = await topic_search.search(info.kafka_bootstrap, event_id)
    story = tell(event_id, found.chain)
    for one in all_events(story)[:_MOST_EVENTS]:
        answers = await asyncio.gather(*(_ask(operator, name, one.event_id) for name in operator.services))
        add_what_tables_tell(one, dict(zip(operator.services, answers, strict=True)))
    return story, found.gap


async def _ask(operator: Operator, service: str, event_id: UUID) -> ServiceTrace | str:
    try:
        return await operator.trace(service, event_id)
    except (Refused, Unreachable) as error:
        return str(error)
