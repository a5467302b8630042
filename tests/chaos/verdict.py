"""Judges a round: what was acknowledged against what is there. Lost, doubled, reordered, unreadable or left undone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from tests.chaos.facts import ECHO_EVERY, ERRAND_EVERY, REPLY_BASE, REPLY_EVERY
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


class Answered(NamedTuple):
    """A holder's answer to an erasure, as it stands on Kafka."""

    holder: str
    subject: UUID
    event_id: UUID


class Left(NamedTuple):
    """Rows about an erased person that a service still has."""

    service: str
    table: str
    subject: UUID
    rows: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the databases hold once the round has drained, and what holders answered."""

    facts: Sequence[Fact]
    arrivals: Sequence[Arrival]
    errands: Sequence[Numbered]
    steps: Sequence[Numbered]
    echoes: Sequence[Numbered]
    """What came back, in the order in which it did: echoes, and replies (from `REPLY_BASE` on)."""
    answered: Sequence[Answered] = ()
    left: Sequence[Left] = ()


HOLDERS: Final = ("profile", "notifications")
"""Who must erase and answer."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What must never happen, and when in the round it did, if that is known."""

    kind: str
    text: str
    at: float | None = None


def judge(ledger: Ledger, evidence: Evidence) -> list[Violation]:
    """Every violation, by kind."""
    echoes = [echo for echo in evidence.echoes if echo.sequence < REPLY_BASE]
    replies = [Numbered(r.subject, r.sequence - REPLY_BASE) for r in evidence.echoes if r.sequence >= REPLY_BASE]
    return [
        *_answers(ledger),
        *_commands(ledger, evidence.facts),
        *_arrivals(evidence),
        *_order("fact", evidence.arrivals),
        *_order("reply", replies),
        *_once("errand", evidence.errands, _due(evidence.facts, ERRAND_EVERY)),
        *_once("step", evidence.steps, _due(evidence.facts, ECHO_EVERY)),
        *_once("echo", echoes, _due(evidence.facts, ECHO_EVERY)),
        *_once("reply", replies, _due(evidence.facts, REPLY_EVERY)),
        *_erasures(ledger, evidence),
    ]


def _answers(ledger: Ledger) -> Iterator[Violation]:
    for bad in ledger.bad_answers:
        yield Violation("bad answer", f"command {bad.attempt} was answered {bad.status}", bad.at)
    for entry in ledger.attempts.values():
        if len(entry.sequences) > 1:
            text = f"command {entry.attempt} was acknowledged as {sorted(entry.sequences)}"
            yield Violation("doubled command", text, entry.acknowledged_at)
        if entry.gone and entry.subject not in ledger.erased:
            text = f"command {entry.attempt} was told that {entry.subject} is erased"
            yield Violation("bad answer", text, entry.tried_at)


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
        if entry.subject in ledger.erased:
            continue
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


def _order(what: str, came: Iterable[Arrival] | Iterable[Numbered]) -> Iterator[Violation]:
    last: dict[UUID, int] = {}
    for one in came:
        before = last.get(one.subject, 0)
        if one.sequence < before:
            by, at = (f" (worker {one.worker})", one.at) if isinstance(one, Arrival) else ("", None)
            yield Violation("reordered", f"{what} {one.subject}/{one.sequence} came after {before}{by}", at)
        last[one.subject] = max(before, one.sequence)


def _erasures(ledger: Ledger, evidence: Evidence) -> Iterator[Violation]:
    answered = Counter((answer.holder, answer.subject) for answer in set(evidence.answered))
    for person, at in ledger.erased.items():
        for holder in HOLDERS:
            count = answered[holder, person]
            if count != 1:
                kind = "lost" if count == 0 else "doubled"
                yield Violation(kind, f"{holder} answered {count} times that it erased {person}", at)
    for left in evidence.left:
        text = f"{left.service} has {left.rows} rows of {left.subject} in {left.table}, who was erased"
        yield Violation("resurrected", text, ledger.erased.get(left.subject))


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
