"""Takes one topic in through FastStream: one subscriber, manual acknowledgement, the database's offsets the truth.

A poll's partitions run in a few lanes side by side, each batch of a lane in one transaction. A batch whose surroundings
fail is tried again with growing delays, nothing skipped; meanwhile the partitions are paused, so that the client keeps
its membership. Kafka's committed offsets follow the database's, for lag and tools.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from chassis import offsets
from chassis.batch import MAX_RECORDS, BatchRunner
from chassis.database import Database
from chassis.errors import TRANSIENT, OffsetMoved, reason
from chassis.health import Loop
from chassis.kafka_connections import refuse_ended, survive_broken_connections
from chassis.kafka_records import read_any_header_name
from chassis.lanes import lanes
from chassis.logs import get_logger
from chassis.metrics import Metrics
from chassis.offsets import Advance
from chassis.polling import poll_until_records
from chassis.records import Record
from chassis.sql import borrow

_POLL_MILLISECONDS: Final = 100
COMMIT_SECONDS: Final = 1.0
"""How often Kafka is told; the fence of an erasure looks as often. Nothing is read again for it: the database knows."""
_POLL_RECORDS: Final = 4 * MAX_RECORDS
"""The client empties one partition after the other: so many that a poll of a long backlog brings several."""
_FIRST_DELAY: Final = 0.05
_LONGEST_DELAY: Final = 10.0
_log = get_logger()


class TopicConsumer:
    """One topic of one service: subscribes on construction, runs while the broker does."""

    def __init__(
        self,
        broker: KafkaBroker,
        topic: str,
        group: str,
        *,
        runner: BatchRunner,
        database: Database,
        metrics: Metrics,
        loop: Loop,
    ) -> None:
        self.topic = topic
        self.group = group
        self._runner = runner
        self._database = database
        self._metrics = metrics
        self._loop = loop
        self._positions: dict[int, int] = {}
        """Where this worker believes each assigned partition stands; the database decides (compare-and-set)."""
        self._uncommitted: dict[int, int] = {}
        self._stopping = False
        self.assigned = False
        """Whether the group has told this worker its share, be it nothing."""
        read_any_header_name()
        survive_broken_connections()
        self._subscriber = broker.subscriber(
            topic,
            group_id=group,
            batch=True,
            max_records=_POLL_RECORDS,
            batch_timeout_ms=_POLL_MILLISECONDS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=_Rebalance(self),
            parser=_whole_batch,
            decoder=_raw_records,
            max_partition_fetch_bytes=1024 * 1024,
            fetch_max_bytes=8 * 1024 * 1024,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=300_000,
            include_in_schema=False,
        )
        self._subscriber(self._on_batch)

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    async def start(self) -> None:
        """Join the group. May be called again after a failure, which leaves nothing behind.

        Raises:
            KafkaError: the broker can't be reached.
        """
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._subscriber.stop)
            await self._subscriber.start()
            undo.pop_all()
        if self.consumer is not None:
            poll_until_records(self.consumer)

    def stop(self) -> None:
        """Take in nothing more; the batch in hand ends by itself."""
        self._stopping = True

    async def commit_loop(self) -> None:
        """Tell Kafka, now and then, how far the database is. Beats while the reading loop is alive, or is yet to start.

        Raises ClientEnded when the client can't go on: the process must begin anew.
        """
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            if self.consumer is not None:
                refuse_ended(self.consumer)
            reading = self._subscriber.tasks
            if not reading or not all(task.done() for task in reading):
                self._loop.beat()
            await self.commit()
            self._measure_lag()

    async def commit(self) -> None:
        """Tell Kafka now. A failure costs nothing: the database knows."""
        consumer, pending = self.consumer, self._uncommitted
        if consumer is None or not pending:
            return
        self._uncommitted = {}
        held = {TopicPartition(self.topic, partition): offset for partition, offset in pending.items()}
        held = {tp: offset for tp, offset in held.items() if tp in consumer.assignment()}
        try:
            if held:
                await consumer.commit(held)
        except TRANSIENT as error:
            self._uncommitted = {**pending, **self._uncommitted}
            _log.info("offsets.not_committed", topic=self.topic, error=reason(error))

    async def assign(self, partitions: Iterable[int]) -> None:
        """Seek to the database's offsets, trying until they can be read. Partitions are paused meanwhile.

        Those that a rebalance has taken away are passed over: they must not keep the others from being sought.
        """
        wanted = [TopicPartition(self.topic, partition) for partition in sorted(partitions)]
        delay = _FIRST_DELAY
        while not self._stopping:
            consumer = self.consumer
            held = [tp for tp in wanted if consumer is not None and tp in consumer.assignment()]
            if consumer is None or not held:
                return
            consumer.pause(*held)
            try:
                async with borrow(self._database.pool) as connection:
                    found = await offsets.read(connection, self.topic, [tp.partition for tp in held])
            except Exception as error:  # noqa: BLE001 - given up, the partitions would stay paused, and nobody would know
                _log.error("offsets.not_read", topic=self.topic, error=reason(error), seconds=delay)
                self._metrics.batch_retries.labels(self.topic, "offsets not read").inc()
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
                continue
            for tp in held:
                if tp in consumer.assignment():
                    consumer.seek(tp, found[tp.partition])
                    self._positions[tp.partition] = found[tp.partition]
                    self._uncommitted[tp.partition] = found[tp.partition]
                    consumer.resume(tp)
            self.assigned = True
            return

    def revoke(self) -> None:
        for partition in self._positions:
            with suppress(KeyError):  # never measured; whoever gets the partition measures it from now on
                self._metrics.lag.remove(self.topic, str(partition))
        self._positions.clear()
        self._uncommitted.clear()
        self.assigned = False

    async def _on_batch(self, message: Any) -> None:
        records = [_record(raw) for raw in cast("Sequence[ConsumerRecord[bytes, bytes]]", message)]
        await asyncio.gather(*(self._on_lane(lane) for lane in lanes(records)))

    async def _on_lane(self, records: Sequence[Record]) -> None:
        try:
            await self._take_in(records)
        except Exception as error:  # noqa: BLE001 - FastStream would swallow it and pass the records over for good
            _log.critical("batch.failed", topic=self.topic, records=len(records), error=reason(error), exc_info=error)
            self._metrics.batch_retries.labels(self.topic, "unexpected").inc()
            await self._wait(1.0)
            await self.assign({record.partition for record in records})

    async def _take_in(self, records: Sequence[Record]) -> None:
        """Take these in, however often it needs; records that a seek has made stale are dropped."""
        size, delay = MAX_RECORDS, _FIRST_DELAY
        rest = self._expected(records)
        while rest and not self._stopping:
            self._loop.beat()
            part = rest[:size]
            try:
                steps = self._steps(part)
                await self._runner.run(self.topic, part, steps)
            except OffsetMoved as error:
                _log.warning("batch.ousted", topic=self.topic, error=reason(error))
                self._metrics.batch_retries.labels(self.topic, "offset moved").inc()
                await self.assign({record.partition for record in records})
                return
            except TRANSIENT as error:
                _log.warning("batch.again", topic=self.topic, records=len(part), error=reason(error), seconds=delay)
                self._metrics.batch_retries.labels(self.topic, type(error).__name__).inc()
                size = max(len(part) // 2, 1)
                await self._wait(delay)
                delay = min(delay * 2, _LONGEST_DELAY)
                rest = self._expected(rest)
                continue
            for step in steps:
                if step.partition in self._positions:  # a rebalance may have taken it away during the batch
                    self._positions[step.partition] = step.next
                    self._uncommitted[step.partition] = step.next
            self._metrics.batch_size.labels(self.topic).observe(len(part))
            rest, delay = rest[size:], _FIRST_DELAY
            size = min(size * 2, MAX_RECORDS)

    async def _wait(self, seconds: float) -> None:
        """Sleep with the partitions paused, so that the client's buffers stay small and its membership is kept."""
        consumer = self.consumer
        held = consumer.assignment() if consumer is not None else frozenset[TopicPartition]()
        if consumer is not None and held:
            consumer.pause(*held)
        await asyncio.sleep(seconds)
        if consumer is not None:
            still = [tp for tp in held if tp in consumer.assignment()]
            if still:
                consumer.resume(*still)

    def _expected(self, records: Sequence[Record]) -> list[Record]:
        """Only what stands at or after where each partition is, and is still ours."""
        return [r for r in records if r.partition in self._positions and r.offset >= self._positions[r.partition]]

    def _steps(self, records: Sequence[Record]) -> list[Advance]:
        last: dict[int, int] = {}
        for record in records:
            last[record.partition] = record.offset + 1
        try:
            return [Advance(partition, self._positions[partition], end) for partition, end in last.items()]
        except KeyError:
            raise OffsetMoved(f"{self.topic}: a partition was taken away") from None

    def _measure_lag(self) -> None:
        """How far the database is behind what was last seen of the topic: grows while a batch can't be committed."""
        consumer = self.consumer
        if consumer is None:
            return
        assigned = consumer.assignment()
        for partition, position in self._positions.items():
            tp = TopicPartition(self.topic, partition)
            end = consumer.highwater(tp) if tp in assigned else None
            if end is not None:
                self._metrics.lag.labels(self.topic, str(partition)).set(max(end - position, 0))


class _Rebalance(ConsumerRebalanceListener):
    """Seeks to the database's offsets whenever partitions are given."""

    def __init__(self, owner: TopicConsumer) -> None:
        self._owner = owner
        self._assigning: asyncio.Task[None] | None = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - aiokafka awaits it
        if self._assigning is not None:
            self._assigning.cancel()
        with suppress(*TRANSIENT, asyncio.TimeoutError):
            await asyncio.wait_for(self._owner.commit(), 2)
        self._owner.revoke()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        # The client goes on fetching while this awaits: pause first. A database that is away must not hold the
        # callback past the session timeout, so seeking goes on in a task of its own.
        consumer = self._owner.consumer
        if consumer is None or not assigned:
            self._owner.assigned = True
            return
        consumer.pause(*assigned)
        self._assigning = asyncio.ensure_future(self._owner.assign(tp.partition for tp in assigned))
        await asyncio.wait([self._assigning], timeout=5)


async def _whole_batch(raw: Any) -> KafkaMessage:
    # FastStream's own parser decodes headers before any handler could park what can't be decoded.
    return KafkaMessage(body=b"", raw_message=raw, consumer=FAKE_CONSUMER)


async def _raw_records(message: KafkaMessage) -> Any:
    return message.raw_message


def _record(raw: "ConsumerRecord[bytes, bytes]") -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.headers, raw.value)
