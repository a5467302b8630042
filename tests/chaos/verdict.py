"""Judges a round: what was acknowledged against what is there. Lost, doubled, reordered, unreadable or left undone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from tests.chaos.facts import ECHO_EVERY, ERRAND_EVERY
from tests.chaos.ledger import Ledger


class Fact(NamedTuple):
    """A row of the source. Times are seconds of the round."""

    attempt: UUID
    subject: UUID
    sequence: int
    at: float


class Arrival(NamedTuple):
    """A row of the sink, in the order in which they were written."""

    subject: UUID
    sequence: int
    event_id: UUID
    readable: bool
    worker: int
    at: float


class Numbered(NamedTuple):
    """Something that was done, or came back, about one fact."""

    subject: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the databases hold once the round has drained."""

    facts: Sequence[Fact]
    arrivals: Sequence[Arrival]
    errands: Sequence[Numbered]
    steps: Sequence[Numbered]
    echoes: Sequence[Numbered]


@dataclass(frozen=True, slots=True)
class Violation:
    """What must never happen, and when in the round it did, if that is known."""

    kind: str
    text: str
    at: float | None = None


def judge(ledger: Ledger, evidence: Evidence) -> list[Violation]:
    """Every violation, by kind."""
    return [
        *_answers(ledger),
        *_commands(ledger, evidence.facts),
        *_arrivals(evidence),
        *_order(evidence.arrivals),
        *_once("errand", evidence.errands, _due(evidence.facts, ERRAND_EVERY)),
        *_once("step", evidence.steps, _due(evidence.facts, ECHO_EVERY)),
        *_once("echo", evidence.echoes, _due(evidence.facts, ECHO_EVERY)),
    ]


def _answers(ledger: Ledger) -> Iterator[Violation]:
    for bad in ledger.bad_answers:
        yield Violation("bad answer", f"command {bad.attempt} was answered {bad.status}", bad.at)
    for entry in ledger.attempts.values():
        if len(entry.sequences) > 1:
            text = f"command {entry.attempt} was acknowledged as {sorted(entry.sequences)}"
            yield Violation("doubled command", text, entry.acknowledged_at)


def _commands(ledger: Ledger, facts: Sequence[Fact]) -> Iterator[Violation]:
    rows: dict[UUID, list[Fact]] = {}
    for fact in facts:
        rows.setdefault(fact.attempt, []).append(fact)
    for attempt, made in rows.items():
        if len(made) > 1:
            text = f"command {attempt} wrote {[fact.sequence for fact in made]} for {made[0].subject}"
            yield Violation("doubled command", text, made[-1].at)
        if attempt not in ledger.attempts:
            yield Violation("invented", f"the source holds a command that nobody sent: {attempt}", made[0].at)
    for entry in ledger.attempts.values():
        sequences = {fact.sequence for fact in rows.get(entry.attempt, [])}
        for sequence in entry.sequences - sequences:
            text = f"{entry.subject}/{sequence} was acknowledged and is not in the source"
            yield Violation("lost", text, entry.acknowledged_at)


def _arrivals(evidence: Evidence) -> Iterator[Violation]:
    arrived = Counter((arrival.subject, arrival.sequence) for arrival in evidence.arrivals)
    events = Counter(arrival.event_id for arrival in evidence.arrivals)
    known = {(fact.subject, fact.sequence) for fact in evidence.facts}
    for fact in evidence.facts:
        if not arrived[fact.subject, fact.sequence]:
            text = f"{fact.subject}/{fact.sequence} is in the source and never reached the sink"
            yield Violation("lost", text, fact.at)
    for arrival in evidence.arrivals:
        name = f"{arrival.subject}/{arrival.sequence} (event {arrival.event_id}, worker {arrival.worker})"
        if arrived[arrival.subject, arrival.sequence] > 1 or events[arrival.event_id] > 1:
            yield Violation("doubled", f"{name} arrived more than once", arrival.at)
        if (arrival.subject, arrival.sequence) not in known:
            yield Violation("invented", f"{name} is not in the source", arrival.at)
        if not arrival.readable:
            yield Violation("unreadable", f"{name} did not say what was sealed", arrival.at)


def _order(arrivals: Iterable[Arrival]) -> Iterator[Violation]:
    last: dict[UUID, int] = {}
    for arrival in arrivals:
        before = last.get(arrival.subject, 0)
        if arrival.sequence < before:
            text = f"{arrival.subject}/{arrival.sequence} arrived after {before} (worker {arrival.worker})"
            yield Violation("reordered", text, arrival.at)
        last[arrival.subject] = max(before, arrival.sequence)


def _due(facts: Sequence[Fact], every: int) -> list[Fact]:
    return [fact for fact in facts if fact.sequence % every == 0]


def _once(what: str, done: Sequence[Numbered], due: Sequence[Fact]) -> Iterator[Violation]:
    times = Counter((item.subject, item.sequence) for item in done)
    for fact in due:
        count = times.pop((fact.subject, fact.sequence), 0)
        if count != 1:
            kind = "lost" if count == 0 else "doubled"
            yield Violation(kind, f"{what} of {fact.subject}/{fact.sequence} was done {count} times", fact.at)
    for subject, sequence in times:
        yield Violation("invented", f"{what} of {subject}/{sequence}, which was never due")
