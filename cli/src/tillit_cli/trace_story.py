"""One event's way through the whole system, put together from the topics and every service's tables, as a tree in time.

Ids, types, places and times only: no key, no body, no person.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from chassis.admin_answers import ServiceTrace, WaitingRecord
from rich.text import Text
from rich.tree import Tree

from tillit_cli.topic_search import OnTopic, time_in

MOST_OF_A_TYPE: Final = 5
"""How many events of one type, caused by the same, are shown: a position that reaches thousands has thousands."""
_REFUSED: Final = {
    "erased": "the person's data of this category is erased",
    "restricted": "the person's data is stored and not used",
}
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, or did not; without a time it stands last."""

    at: datetime | None
    text: str
    style: str = ""
    details: Sequence[str] = ()


@dataclass(slots=True)
class EventStory:
    """One event: where it stands on topics, in whose outbox it waits, and what services made of it."""

    event_id: UUID
    event_type: str = ""
    source: str = ""
    causation_id: UUID | None = None
    places: list[OnTopic] = field(default_factory=list[OnTopic])
    traces: Mapping[str, ServiceTrace | str] = field(default_factory=dict[str, ServiceTrace | str])
    """What each service knows of it, or why it did not say; empty when nobody was asked."""
    caused: list["EventStory"] = field(default_factory=list["EventStory"])
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    """How many more of each type it caused."""

    @property
    def known(self) -> bool:
        return bool(self.places) or any(
            isinstance(trace, ServiceTrace) and (trace.received_at or trace.waiting or trace.parked or trace.work)
            for trace in self.traces.values()
        )

    @property
    def said_at(self) -> datetime | None:
        return self.places[0].said_at if self.places else time_in(self.event_id)


def tell(event_id: UUID, chain: Sequence[OnTopic]) -> EventStory:
    """The event and everything that it led to, of what was found on the topics."""
    places: defaultdict[UUID, list[OnTopic]] = defaultdict(list)
    effects: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for record in chain:
        if record.event_id not in places and record.causation_id is not None:
            effects[record.causation_id].append(record.event_id)
        places[record.event_id].append(record)
    return _story(event_id, places, effects, set())


def _story(
    event_id: UUID, places: Mapping[UUID, list[OnTopic]], effects: Mapping[UUID, list[UUID]], told: set[UUID]
) -> EventStory:
    told.add(event_id)
    story = EventStory(event_id)
    if found := places.get(event_id):
        story = EventStory(event_id, found[0].event_type, found[0].source, found[0].causation_id, list(found))
    shown: defaultdict[str, int] = defaultdict(int)
    for effect in effects.get(event_id, ()):
        if effect in told:
            continue
        kind = places[effect][0].event_type
        shown[kind] += 1
        if shown[kind] <= MOST_OF_A_TYPE:
            story.caused.append(_story(effect, places, effects, told))
        else:
            story.left_out[kind] = story.left_out.get(kind, 0) + 1
    return story


def all_events(story: EventStory) -> list[EventStory]:
    """The story's own event first, then what it caused, from the top down."""
    found = [story]
    for one in found:
        found.extend(one.caused)
    return found


def add_what_tables_tell(story: EventStory, traces: Mapping[str, ServiceTrace | str]) -> None:
    """Add each service's answer, and the events that it caused and that wait in an outbox."""
    story.traces = traces
    known = {one.event_id for one in story.caused}
    for service, trace in traces.items():
        if not isinstance(trace, ServiceTrace):
            continue
        for row in trace.waiting:
            story.event_type, story.source = story.event_type or row.event_type, story.source or service
        for parked in trace.parked:
            story.event_type = story.event_type or parked.event_type or ""
        for row in trace.caused:
            if row.event_id not in known:
                waiting = trace.model_copy(update={"waiting": [row], "received_at": None, "parked": [], "work": []})
                effect = EventStory(row.event_id, row.event_type, service, story.event_id)
                effect.traces = {service: waiting}
                story.caused.append(effect)


def as_tree(story: EventStory, tree: Tree | None = None) -> Tree:
    """The story, everything of an event in the order of time."""
    said = f" said by {story.source}" if story.source else ""
    kind = (story.event_type or "event", "bold")
    label = Text.assemble(kind, f" {story.event_id}{said}{_when(story.said_at)}")
    top = tree.add(label) if tree is not None else Tree(label)
    if tree is None and story.causation_id is not None:
        top.add(f"caused by {story.causation_id}: `tillit trace {story.causation_id}`")
    below: list[tuple[datetime, Line | EventStory]] = [(line.at or _LAST, line) for line in _lines(story)]
    below.extend((effect.said_at or _LAST, effect) for effect in story.caused)
    for _, part in sorted(below, key=lambda pair: pair[0]):
        if isinstance(part, EventStory):
            as_tree(part, top)
            continue
        branch = top.add(Text(f"{_clock(part.at)}{part.text}", part.style))
        for detail in part.details:
            branch.add(Text(detail))
    for kind, count in story.left_out.items():
        top.add(f"… and {count} more {kind}")
    return top


def _lines(story: EventStory) -> list[Line]:
    lines = [Line(one.stored_at, f"on {one.place} at {one.offset}") for one in story.places]
    for service, trace in story.traces.items():
        if isinstance(trace, str):
            lines.append(Line(None, f"{service} does not answer: {trace}", "yellow"))
            continue
        lines.extend(_waiting(service, row) for row in trace.waiting)
        lines.extend(_of_service(service, trace, story))
    return lines


def _waiting(service: str, row: WaitingRecord) -> Line:
    if row.refused is None:
        return Line(row.created_at, f"waits in the outbox of {service}, row {row.position}", "yellow")
    cure = "cure it, then `tillit outbox retry`"
    return Line(
        row.created_at, f"refused in the outbox of {service}, row {row.position}: {row.refused} ({cure})", "red"
    )


def _of_service(service: str, trace: ServiceTrace, story: EventStory) -> list[Line]:
    """What became of it in one service."""
    work = [
        f"work {left.kind}: {left.items} left, next due {_full(left.next_due)}, tried up to {left.attempts} times"
        for left in trace.work
    ]
    if trace.parked:
        cure = f"`tillit parked replay --service {service}`"
        return [
            Line(row.parked_at, f"parked by {service} as {row.id}: {row.reason} ({cure})", "red", work)
            for row in trace.parked
        ]
    if trace.received_at is not None and trace.refused is not None:
        return [Line(trace.received_at, f"taken in by {service}, which did nothing with it: {_REFUSED[trace.refused]}")]
    if trace.received_at is not None:
        return [Line(trace.received_at, f"taken in by {service}", details=work)]
    if work:
        return [Line(None, f"{service} has work of it", details=work)]
    if not story.places:
        return []
    record = story.places[0]
    position = trace.offsets.get(record.place)
    if position is None:
        return [Line(None, f"{service} does not listen to {record.topic}", "dim")]
    if position <= record.offset:
        before = record.offset - position
        return [Line(None, f"{service} has not read it yet: {before} records are before it", "yellow")]
    if trace.reacts_to is not None and story.event_type not in trace.reacts_to:
        return [Line(None, f"skipped by {service}: nothing there reacts to {story.event_type}", "dim")]
    return [Line(None, f"{service} has read past it and keeps nothing of it", "yellow")]


def _when(at: datetime | None) -> str:
    return "" if at is None else f" at {_full(at)}"


def _full(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.}{at.microsecond // 1000:03}"


def _clock(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%H:%M:%S.}{at.microsecond // 1000:03} "
