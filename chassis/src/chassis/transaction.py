"""One PostgreSQL transaction: the people it is about are locked, what it publishes is committed with what it changes."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
from contracts.event import Event
from contracts.personal import Category, PersonalRecord, SubjectId
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis import outbox, subjects, work
from chassis.clock import Clock, new_id
from chassis.errors import SubjectGone
from chassis.keys import KeySet
from chassis.logs import SafeError
from chassis.openings import Opening, opening_of
from chassis.outbox import OutgoingEvent
from chassis.records import Cause, category_of, encode, open_record, seal_record
from chassis.sql import Connection
from chassis.subjects import SubjectState
from chassis.work import NewWork

R = TypeVar("R", bound=PersonalRecord)


class NotLocked(SafeError):
    """The transaction did not lock this person: name everybody in `about=` before it starts."""


class NotOurTopic(SafeError):
    """The event is another service's to say: `contracts.topics` names who may."""


class Transaction:
    """What a command or reaction changes the database with. `publish` never commits; nothing here asks the network."""

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock,
        keys: KeySet,
        states: Mapping[SubjectId, SubjectState],
        cause: Cause,
        source: str,
        topic_prefix: str,
        signing_key: Ed25519PrivateKey,
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.keys = keys
        self.cause = cause
        self.signing_key = signing_key
        """The service's own key, which signs what it answers as a holder."""
        self._states = dict(states)
        self._source = source
        self._topic_prefix = topic_prefix
        self._outgoing: list[OutgoingEvent] = []
        self._work: list[NewWork] = []
        self.refused: dict[UUID, str] = {}
        """Events for which the guard let no reaction run, and why."""
        self.after_commit: list[Callable[[], Awaitable[None] | None]] = []
        """Run in this order once the transaction has committed; for caches and wake-ups, never for what must happen."""

    def now(self) -> datetime:
        return self.clock.now()

    def state(self, subject: SubjectId) -> SubjectState:
        """What may be done with this person's data; true until the transaction ends.

        Raises:
            NotLocked: the transaction is not about this person.
        """
        try:
            return self._states[subject]
        except KeyError:
            raise NotLocked("a transaction touched a person that it did not lock") from None

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        return await self.connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        return await self.connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        return await self.connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        return await self.connection.execute(query, *args)

    def savepoint(self) -> AbstractAsyncContextManager[object]:
        """A part that can fail alone; what it published goes with it."""
        return _Savepoint(self)

    def publish(self, event: Event, cause: Cause | None = None) -> UUID:
        """Send this event once the transaction has committed; the answer is its id.

        Raises:
            NotOurTopic: this service neither owns the event's topic nor is a guest on it.
            NotLocked: the event is about a person whom the transaction did not lock.
            SubjectGone: it is about a person who is erased here, or a key that it needs is destroyed.
            EventTooLarge: its body is over the limit.
        """
        if not event.topic.may_publish(self._source):
            raise NotOurTopic(f"{self._source} may not publish on {event.topic.name}: see contracts.topics")
        for subject in event.subjects():
            self._refuse_erased(subject, None if event.privacy_protocol else event.category)
        event_id = new_id(self.clock)
        self._outgoing.append(
            encode(
                event,
                self.keys,
                cause or self.cause,
                event_id=event_id,
                source=self._source,
                at=self.now(),
                prefix=self._topic_prefix,
            )
        )
        return event_id

    def opening(self, event_id: UUID) -> Opening:
        """What opens the log's commitment to an event that this transaction published, and that is about nobody."""
        return opening_of(next(event for event in self._outgoing if event.event_id == event_id), self.keys)

    def enqueue(
        self,
        kind: str,
        key: str,
        *,
        subject: SubjectId | None = None,
        due_at: datetime | None = None,
        cause: Cause | None = None,
    ) -> None:
        """Have the service's worker do something later, or one by one. The person need not be locked yet."""
        cause = cause or self.cause
        self._work.append(
            NewWork(
                kind,
                key,
                due_at or work.AT_ONCE,
                cause.correlation_id,
                cause.event_id,
                subject,
                cause.traceparent,
            )
        )

    def seal(
        self, value: PersonalRecord, *, subject: SubjectId, record_id: UUID, schema: str, key: str | None = None
    ) -> bytes:
        """The blob of a row's personal fields, for a `bytea` column.

        Args:
            value: its fields are all of one category.
            subject: whose data it is.
            record_id: the row's id.
            schema: the table's name.
            key: of a single thing, `chassis.scoped_keys.single(Scope.APPLICATION, …)`; the transaction fetched it by
                `keys=`. By default the category's.

        Raises:
            NotLocked: the transaction did not lock this person.
            SubjectGone: the person is erased here, or the key is destroyed.
        """
        self._refuse_erased(subject, category_of(type(value)))
        return seal_record(value, self.keys, subject=subject, record_id=record_id, schema=schema, key=key)

    def open(self, model: type[R], blob: bytes) -> R:
        """The personal fields of a row; ERASED where the key is gone."""
        return open_record(model, blob, self.keys)

    def _refuse_erased(self, subject: SubjectId, category: Category | None) -> None:
        """An erasure that this transaction waited for may stand here before the keys are destroyed: nobody comes back."""
        if self.state(subject).is_erased(category):
            raise SubjectGone("this person's data was erased here")

    async def restrict(self, subject: SubjectId, why: str) -> None:
        """Store this person's data and do not use it, from the next event on, for this reason too (A5)."""
        before = self.state(subject)
        await subjects.restrict(self.connection, subject, why)
        self._states[subject] = replace(before, restrictions=before.restrictions | {why})

    async def lift_restriction(self, subject: SubjectId, why: str) -> None:
        before = self.state(subject)
        await subjects.lift_restriction(self.connection, subject, why)
        self._states[subject] = replace(before, restrictions=before.restrictions - {why})

    async def mark_erased(self, subject: SubjectId, categories: Iterable[str]) -> None:
        """Leave the tombstone: from the next event on nothing of these categories changes anything for this person."""
        before, gone = self.state(subject), frozenset(categories)
        await subjects.mark_erased(self.connection, subject, gone, self.now())
        self._states[subject] = replace(before, erased=before.erased | gone)

    def mark(self) -> "Mark":
        """What was gathered so far; `rewind` to it drops what came after."""
        return Mark(len(self._outgoing), len(self._work), len(self.after_commit), dict(self._states))

    def rewind(self, mark: "Mark") -> None:
        del self._outgoing[mark.outgoing :]
        del self._work[mark.work :]
        del self.after_commit[mark.hooks :]
        self._states = dict(mark.states)

    async def flush(self) -> set[str]:
        """Write what was published and enqueued; the answer is which channels to wake. Called by the owner of the
        transaction, once, right before the commit."""
        woken: set[str] = set()
        if self._outgoing:
            await outbox.insert(self.connection, self._outgoing, self.now())
            woken.add(outbox.CHANNEL)
        if self._work:
            await work.insert(self.connection, self._work)
            # What is due later is found by who looks then.
            woken.update(work.channel(item.kind) for item in self._work if item.due_at <= self.now())
        return woken


class Mark(NamedTuple):
    """A point in a transaction to which its memory can be rewound, beside a savepoint of the database."""

    outgoing: int
    work: int
    hooks: int
    states: dict[SubjectId, SubjectState]


class _Savepoint(AbstractAsyncContextManager["_Savepoint"]):
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._mark = tx.mark()
        self._inner = tx.connection.transaction()

    async def __aenter__(self) -> "_Savepoint":
        await self._inner.start()
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            await self._inner.commit()
        else:
            self._tx.rewind(self._mark)
            await self._inner.rollback()
