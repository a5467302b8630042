"""Runs parked events again, in the order of their key, each in its own transaction. Safe to repeat, at any time."""

from dataclasses import dataclass

from chassis import inbox, parked
from chassis.batch import BatchRunner
from chassis.database import Database
from chassis.errors import is_transient, reason
from chassis.logs import get_logger
from chassis.own_key import OwnKey
from chassis.park import restore
from chassis.parked import ParkedRow
from chassis.records import BadRecord

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events of a key ran, and why the next one still can't."""

    done: int
    stopped_by: str | None = None


class Replayer:
    """Replays one topic and key at a time, stopping at the first event that still fails."""

    def __init__(self, database: Database, runner: BatchRunner, own_key: OwnKey) -> None:
        self._database = database
        self._runner = runner
        self._own_key = own_key

    async def replay(self, topic: str, key: str) -> Replayed:
        """Run what is parked of this topic (with its prefix) and key, oldest first.

        Raises:
            Exception: one of `chassis.errors.TRANSIENT`; what ran stays done, try again.
        """
        done = 0
        while True:
            head = await self._head(topic, key)
            if head is None:
                return Replayed(done)
            row, packed = head
            why = await self._try(row, packed)
            if why is not None:
                async with self._database.transaction(keys=()) as tx:
                    await parked.set_reason(tx.connection, row.id, why)
                return Replayed(done, why)
            done += 1

    async def _head(self, topic: str, key: str) -> tuple[ParkedRow, bytes] | None:
        async with self._database.transaction(keys=()) as tx:
            return await parked.first_of_key(tx.connection, topic, key)

    async def _try(self, row: ParkedRow, packed: bytes) -> str | None:
        """None when it ran, or was dropped by the guard or the inbox; else why it still fails."""
        try:
            record = restore(
                packed,
                self._own_key,
                topic=row.topic,
                partition=row.partition,
                offset=row.offset,
                key=row.key,
                encrypted=row.encrypted,
            )
            item = self._runner.examine(record)
            if item is None:
                raise BadRecord("this version has no reaction to it")
            keys = await self._runner.fetch_keys([item])
            async with self._database.transaction(item.incoming.envelope.subjects, keys=keys) as tx:
                if not await parked.delete(tx.connection, row.id):
                    return None
                event_id = item.incoming.envelope.id
                waited = await parked.delete_repeats(tx.connection, row.topic, row.key, event_id)
                new = await inbox.add_new(tx.connection, [event_id], tx.now())
                if row.encrypted and not new and not waited:
                    return None  # a repeat of what could not be read ran since, as the privacy protocol may
                await self._runner.run_item(item, tx)
                await self._runner.remember_refused(tx)
        except Exception as error:  # whatever a reaction raises, its event stays parked with the reason
            if is_transient(error):
                raise
            _log.warning("replay.failed", topic=row.topic, type=row.event_type, error=reason(error))
            return reason(error)
        return None
