"""Takes in one batch of records of one topic, in one transaction: inbox, reactions, outbox, parked rows and offsets.

Knows nothing of the broker. A transient failure rolls all back and is the caller's to retry; when one record fails,
the batch runs again event by event under savepoints, and the failing one is parked with those of its key behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from contracts.event import Event
from contracts.personal import SubjectId
from contracts.privacy import ErasureRequested
from contracts.registry import EVENT_BY_TYPE
from contracts.wire import WireBody, wire_form

from chassis import inbox, offsets, parked
from chassis.database import Database
from chassis.errors import OffsetMoved, is_transient, reason
from chassis.holders import Holder
from chassis.keys import LOG_KEY, KeyName, KeySet
from chassis.logs import get_logger
from chassis.metrics import Metrics
from chassis.offsets import Advance
from chassis.own_key import OwnKey
from chassis.park import park_bad_event, park_event, park_unreadable
from chassis.parked import NewParked
from chassis.reactions import RawBatch, Reaction
from chassis.records import BadRecord, Incoming, Record, key_names, parse, read
from chassis.run import Runnable, run_all, run_one
from chassis.sealing import BadBlob
from chassis.sql import borrow
from chassis.transaction import Transaction

_NO_BODY: Final = WireBody({}, {})
MAX_RECORDS: Final = 500
"""The most records of one transaction."""
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch, looked at record by record before the transaction."""

    runnable: list[Runnable]
    unfit: list[NewParked]
    """Records that can't be run; those with a key hold back what comes after them."""


class BatchRunner:
    """Runs batches of one service. Reactions by event class, or one raw reaction for everything."""

    def __init__(
        self,
        database: Database,
        *,
        reactions: Mapping[type[Event], Reaction],
        raw: RawBatch | None,
        holder: Holder,
        own_key: OwnKey,
        metrics: Metrics,
        topic_prefix: str,
    ) -> None:
        self._database = database
        self._holder = holder
        self._topic_prefix = topic_prefix
        self._reactions = reactions
        self._raw = raw
        self._own_key = own_key
        self._metrics = metrics

    async def run(self, topic: str, records: Sequence[Record], steps: Sequence[Advance]) -> None:
        """Take the records in; on return everything is committed, exactly once.

        Args:
            topic: with its prefix, as in the records and in `offsets`.
            steps: how far each partition moves; none when a parked record is replayed.

        Raises:
            OffsetMoved: another worker took a partition further; nothing was changed.
            Exception: one of `TRANSIENT`; nothing was changed, try again.
        """
        batch = self.sort(records)
        keys = await self.fetch_keys(batch.runnable)
        try:
            await self._run_together(topic, batch, steps, keys)
        except OffsetMoved:
            raise
        except Exception as error:  # whatever a reaction raises, its record is found and parked
            if is_transient(error):
                raise
            _log.warning("batch.apart", topic=topic, records=len(records), error=reason(error))
            await self._run_apart(topic, batch, steps, keys)

    def sort(self, records: Sequence[Record]) -> Sorted:
        """Tell what can run here from what can't."""
        batch = Sorted([], [])
        for record in records:
            incoming: Incoming | None = None
            try:
                incoming = read(record)
                item = self._look_into(incoming)
            except (BadRecord, BadBlob) as error:
                batch.unfit.append(
                    park_unreadable(record, str(error), self._own_key)
                    if incoming is None
                    else park_bad_event(incoming, str(error), self._own_key)
                )
                continue
            if item is not None:
                batch.runnable.append(item)
        return batch

    def examine(self, record: Record) -> Runnable | None:
        """One record, ready to run; None when nobody here reacts to it, which is counted.

        Raises:
            BadRecord, BadBlob: it is no event, or not what its type promises.
        """
        return self._look_into(read(record))

    def _look_into(self, incoming: Incoming) -> Runnable | None:
        event_class = incoming.event_class
        reaction = self._reactions.get(event_class) if event_class is not None else None
        if event_class is not None and (reaction is not None or self._raw is not None):
            # Who may write is granted per topic: elsewhere the same words would be anybody's.
            if incoming.record.topic != self._topic_prefix + event_class.topic.name:
                raise BadRecord(f"{event_class.type}: it stands on another topic than its own")
            # Parsed for a raw reaction too: what is not what its type promises may hold anything, in the clear.
            return Runnable(incoming, reaction, parse(incoming, event_class))
        if self._raw is not None:
            return Runnable(incoming, None, _NO_BODY)
        why = "unknown type" if event_class is None else "no reaction"
        self._metrics.events_skipped.labels(incoming.record.topic, why).inc()
        return None

    async def run_item(self, item: Runnable, tx: Transaction) -> None:
        """Run one event in the caller's transaction."""
        if self._raw is not None:
            await self._raw([item.incoming], tx)
        if item.reaction is not None:
            await run_one(item, tx, self._metrics)

    async def fetch_keys(self, runnable: Sequence[Runnable]) -> KeySet:
        """The keys that these events need, in bulk, before the transaction.

        The privacy protocol waits for no key but those of what it carries itself, and, to erase, of what is held. What
        is sealed for others than this service reads as ERASED here: it may take in that an event happened without being
        able to open it.
        """
        if self._raw is not None:
            return await self._database.keys.fetch([LOG_KEY])
        keys, subjects, others = self._database.keys, set[SubjectId](), list[KeyName]()
        erasures = [
            cast("ErasureRequested", wire_form(ErasureRequested).join(item.body, {}))
            for item in runnable
            if item.incoming.event_class is ErasureRequested
        ]
        if erasures:
            async with borrow(self._database.pool) as connection:
                others.extend(await self._holder.keys_of_held(connection, erasures))
        for item in runnable:
            if item.reaction is not None and not item.reaction.opens:
                continue
            if item.privacy_protocol:
                others.extend(key_names(item.incoming, item.body))
            else:
                subjects.update(item.incoming.envelope.subjects)
        return await keys.fetch([*keys.names_for(subjects), *others])

    async def _run_together(self, topic: str, batch: Sorted, steps: Sequence[Advance], keys: KeySet) -> None:
        async with self._database.transaction(_subjects(batch), keys=keys) as tx:
            aside = await self._aside(tx, topic, batch)
            fresh = await self._fresh(tx, batch, aside)
            if self._raw is not None and fresh:
                await self._raw([item.incoming for item in fresh], tx)
            await run_all([item for item in fresh if item.reaction is not None], tx, self._metrics)
            await self._finish(tx, topic, aside, steps)

    async def _run_apart(self, topic: str, batch: Sorted, steps: Sequence[Advance], keys: KeySet) -> None:
        async with self._database.transaction(_subjects(batch), keys=keys) as tx:
            aside = await self._aside(tx, topic, batch)
            for item in await self._fresh(tx, batch, aside):
                why = aside.why_waiting(item)
                if why is not None:
                    aside.rows.append(park_event(item.incoming, why))
                    continue
                try:
                    async with tx.savepoint():
                        await self.run_item(item, tx)
                except Exception as error:  # this is the record that fails; it is parked with its reason
                    if is_transient(error):
                        raise
                    log = _log.critical if item.privacy_protocol else _log.error
                    log("event.parked", topic=topic, type=item.incoming.envelope.type, error=reason(error))
                    aside.rows.append(park_event(item.incoming, reason(error)))
            await self._finish(tx, topic, aside, steps)

    async def _aside(self, tx: Transaction, topic: str, batch: Sorted) -> "_Aside":
        keys = sorted({item.incoming.key for item in batch.runnable})
        blocked = await parked.blocked_keys(tx.connection, topic, keys) if keys else {}
        return _Aside(blocked, [row for row in batch.unfit if not _of_the_erased(row, tx)])

    async def _fresh(self, tx: Transaction, batch: Sorted, aside: "_Aside") -> list[Runnable]:
        """The events that never ran here and need not wait; those that must wait are parked."""
        if not batch.runnable:
            return []
        ids = list(dict.fromkeys(item.incoming.envelope.id for item in batch.runnable))
        new = await inbox.add_new(tx.connection, ids, tx.now())
        fresh: list[Runnable] = []
        for item in batch.runnable:
            if item.incoming.envelope.id not in new:
                continue
            new.discard(item.incoming.envelope.id)
            why = aside.why_waiting(item)
            if why is None:
                fresh.append(item)
            else:
                aside.rows.append(park_event(item.incoming, why))
        return fresh

    async def _finish(self, tx: Transaction, topic: str, aside: "_Aside", steps: Sequence[Advance]) -> None:
        if aside.rows:
            await parked.insert(
                tx.connection, sorted(aside.rows, key=lambda row: (row.partition, row.offset)), tx.now()
            )
            for row in aside.rows:
                self._metrics.parked_total.labels(topic, "unreadable" if row.encrypted else "failed").inc()
                if row.encrypted:
                    log = _log.critical if row.privacy_protocol else _log.error
                    log("record.parked", topic=topic, type=row.event_type, error=row.reason)
        await self.remember_refused(tx)
        if steps:
            await offsets.advance(tx.connection, topic, steps)

    async def remember_refused(self, tx: Transaction) -> None:
        """Write down which events of this transaction the guard let no reaction run for."""
        if tx.refused:
            await inbox.refuse(tx.connection, tx.refused)


@dataclass(slots=True)
class _Aside:
    """What this batch parks, and the keys that had a parked event before it."""

    blocked: dict[str, int]
    rows: list[NewParked]

    def why_waiting(self, item: Runnable) -> str | None:
        """Behind which parked event of its topic and key this one must wait; the privacy protocol never does."""
        if item.privacy_protocol:
            return None
        key, record = item.incoming.key, item.incoming.record
        if key in self.blocked:
            return f"waits behind parked record {self.blocked[key]}"
        for row in self.rows:
            if row.key == key and row.partition == record.partition and row.offset < record.offset:
                return f"waits behind {row.topic}/{row.partition}/{row.offset}"
        return None


def _subjects(batch: Sorted) -> list[SubjectId]:
    """Whom the batch is about; those of unfit records too, because erased people's are not even parked."""
    runnable = [subject for item in batch.runnable for subject in item.incoming.envelope.subjects]
    return runnable + [subject for row in batch.unfit for subject in row.subjects]


def _of_the_erased(row: NewParked, tx: Transaction) -> bool:
    event_class = EVENT_BY_TYPE.get(row.event_type) if row.event_type is not None else None
    if event_class is None or event_class.privacy_protocol:
        return False
    return any(tx.state(subject).is_erased(event_class.category) for subject in row.subjects)
