"""Which event makes which function run, and under what condition: the guard's declarations.

A reaction is declared `STORE` or `USE`, with its purpose. For an erased person nothing runs; for a restricted one only
what stores. The privacy protocol itself always runs.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from contracts.envelope import Envelope
from contracts.event import Event
from contracts.personal import SubjectId
from contracts.purposes import PURPOSES, PurposeId

from chassis.logs import SafeError
from chassis.records import Cause, Incoming
from chassis.subjects import SubjectState
from chassis.transaction import Transaction

E = TypeVar("E", bound=Event)


class Mode(StrEnum):
    """What a reaction or work does with personal data (A5)."""

    STORE = "store"
    USE = "use"
    PROTOCOL = "protocol"


class Verdict(StrEnum):
    """What the guard decided for one event."""

    RUN = "run"
    ERASED = "erased"
    RESTRICTED = "restricted"


class Received(NamedTuple, Generic[E]):
    """An event with its envelope, as batch reactions take it."""

    event: E
    envelope: Envelope

    @property
    def cause(self) -> Cause:
        """For what a batch reaction publishes because of this event: `tx.publish(event, received.cause)`."""
        return Cause(self.envelope.correlation_id, self.envelope.id, self.envelope.traceparent)


Single: TypeAlias = Callable[[E, Transaction], Awaitable[None]]
Batch: TypeAlias = Callable[[Sequence[Received[E]], Transaction], Awaitable[None]]
RawBatch: TypeAlias = Callable[[Sequence[Incoming], Transaction], Awaitable[None]]


@dataclass(frozen=True, slots=True, eq=False)
class Reaction:
    """One event type and what runs on it."""

    event: type[Event]
    mode: Mode
    purpose: PurposeId
    single: Single[Any] | None = None
    batch: Batch[Any] | None = None
    opens: bool = True
    """Whether the event's personal fields are opened for it; otherwise they read as ERASED, and no key is fetched."""

    @property
    def name(self) -> str:
        function = self.single or self.batch
        return function.__name__ if function is not None else ""


class BadReaction(SafeError):
    """A reaction was declared that may not be; the text says why."""


def check_purpose(service: str, purpose: PurposeId, event: type[Event]) -> None:
    """Refuse a purpose that is not registered for this service, or does not cover the event's category.

    Raises:
        BadReaction: naming the registry to change, if the processing is lawful.
    """
    registered = PURPOSES[purpose]
    if service not in registered.services:
        raise BadReaction(f"{service} does not process for {purpose}: see contracts.purposes")
    if event.personal_fields and event.category not in registered.categories:
        raise BadReaction(f"{purpose} does not cover {event.category} ({event.type}): see contracts.purposes")


def judge(mode: Mode, event: type[Event], states: Sequence[SubjectState]) -> Verdict:
    """Whether a reaction may run for an event about people in these states."""
    if mode is Mode.PROTOCOL or event.privacy_protocol:
        return Verdict.RUN
    verdict = Verdict.RUN
    for state in states:
        if state.is_erased(event.category):
            return Verdict.ERASED
        if mode is Mode.USE and state.restricted:
            verdict = Verdict.RESTRICTED
    return verdict


def states_of(tx: Transaction, subjects: Sequence[SubjectId]) -> list[SubjectState]:
    return [tx.state(subject) for subject in subjects]
