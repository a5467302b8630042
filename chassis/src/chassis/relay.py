"""Sends the outbox to Kafka: one leader per database, rows in order, each deleted only after it was acknowledged.

The leader holds a session advisory lock on a connection of its own. Its session ends itself when it is idle for
`IDLE_TIMEOUT`, so a frozen leader loses the lock; when it wakes it can only repeat rows that the inboxes drop.
No transaction is open while the broker is asked.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner

from chassis import outbox
from chassis.clock import Clock
from chassis.errors import TRANSIENT, reason
from chassis.health import Loop
from chassis.kafka_connections import survive_broken_connections
from chassis.logs import get_logger
from chassis.metrics import Metrics
from chassis.outbox import OutboxRow
from chassis.partitioning import partition_of
from chassis.sql import NOTHING_TO_LOSE, OwnConnection, connect
from chassis.telemetry import Kind, Span, span_from

BATCH: Final = 1_000
IDLE_TIMEOUT: Final = timedelta(seconds=5)
"""How long a frozen leader keeps the lock."""
_HEARTBEAT_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 1.0
_END_SECONDS: Final = 2.0
_LOCK: Final = 0x7411_0002
_TOO_LARGE: Final = "too large for the broker"
_log = get_logger()


class _Sent(NamedTuple):
    """A row on its way; `answer` is done when the broker acknowledged or refused it."""

    row: OutboxRow
    answer: "asyncio.Future[Any]"
    span: Span


class Relay:
    """Runs until cancelled, or stopped after the batch in hand."""

    def __init__(
        self, dsn: str, bootstrap: str, *, wake: asyncio.Event, clock: Clock, metrics: Metrics, loop: Loop, name: str
    ) -> None:
        self._dsn = dsn
        self._bootstrap = bootstrap
        self._wake = wake
        self._clock = clock
        self._metrics = metrics
        self.loop = loop
        self._name = name
        self._stopping = False
        self.acknowledged_at: datetime | None = None
        """When the broker last acknowledged an event to this process."""
        self._alone: set[int] = set()
        """Rows of a batch that was too large for the broker: each is sent by itself, which tells whose fault it was."""
        self._ending: set[asyncio.Task[None]] = set()
        """Producers of earlier leaderships that still flush."""

    def stop(self) -> None:
        """Let the batch in hand end, then return from `run`."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Lead whenever nobody else does; a failure of the surroundings is logged and tried again."""
        while not self._stopping:
            self.loop.beat()
            try:
                await self._try_to_lead()
            except TRANSIENT as error:
                self._metrics.relay_failures.labels(type(error).__name__).inc()
                _log.warning("relay.interrupted", error=reason(error))
            if not self._stopping:
                await asyncio.sleep(_RETRY_SECONDS)

    async def _try_to_lead(self) -> None:
        connection = await connect(
            self._dsn,
            settings={
                **NOTHING_TO_LOSE,  # a row whose deletion is lost is sent once more, as after a lost acknowledgement
                "idle_session_timeout": str(int(IDLE_TIMEOUT.total_seconds() * 1000)),
                "statement_timeout": "8000",
                "application_name": f"{self._name} relay",
            },
        )
        try:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                self._alone.clear()
                return
            self._metrics.relay_leader.set(1)
            await self._lead(connection)
        finally:
            self._metrics.relay_leader.set(0)
            with suppress(*TRANSIENT):
                await connection.close(timeout=1)

    async def _lead(self, connection: OwnConnection) -> None:
        survive_broken_connections()
        # An idempotent producer that lost its sequence can't be used again: each leadership and each failure has its own.
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"{self._name}-relay",
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=128 * 1024,
            request_timeout_ms=10_000,
            partitioner=cast("DefaultPartitioner", partition_of),
        )
        starting = asyncio.ensure_future(producer.start())
        try:
            await self._beating(connection, starting)
            rows: Sequence[OutboxRow] = ()
            while not self._stopping:
                self._wake.clear()
                rows = rows or await outbox.due(connection, BATCH)
                if rows:
                    rows = await self._send(connection, producer, rows)
                else:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)
                self.loop.beat()
        finally:
            starting.cancel()
            await self._end(producer)

    async def _end(self, producer: AIOKafkaProducer) -> None:
        """Give it a moment to flush; without a broker it goes on alone. Cancelled, it would retry and hold on for ever.

        What it still sends are repeats, in their order, of rows that are sent anew.
        """
        ending = asyncio.ensure_future(producer.stop())
        self._ending.add(ending)
        ending.add_done_callback(self._ended)
        await asyncio.wait([ending], timeout=_END_SECONDS)

    def _ended(self, ending: asyncio.Task[None]) -> None:
        self._ending.discard(ending)
        if not ending.cancelled() and (error := ending.exception()) is not None:
            _log.info("relay.producer_not_flushed", error=reason(error))

    async def _send(
        self, connection: OwnConnection, producer: AIOKafkaProducer, rows: Sequence[OutboxRow]
    ) -> Sequence[OutboxRow]:
        """Send the rows in order; one of the privacy protocol only once all before it were acknowledged.

        The answer is the next rows, where more wait than were given: they are read while the broker acknowledges.
        """
        start, ahead = 0, []
        while start < len(rows) and not self._stopping:
            end = start + 1
            while end < len(rows) and not self._parted(rows[end - 1], rows[end]):
                end += 1
            sent = await self._hand_over(connection, producer, rows[start:end])
            if sent and end == len(rows) == BATCH:
                ahead = await outbox.due(connection, BATCH, besides=[row.position for row in rows[start:]])
            await self._acknowledged(connection, sent)
            if len(sent) < end - start:
                return ()
            start = end
        return ahead

    def _parted(self, row: OutboxRow, following: OutboxRow) -> bool:
        return following.privacy_protocol or not self._alone.isdisjoint((row.position, following.position))

    async def _hand_over(
        self, connection: OwnConnection, producer: AIOKafkaProducer, part: Sequence[OutboxRow]
    ) -> "list[_Sent]":
        """Give these to the producer. What it refuses is kept with the reason, and what follows of its key waits there."""
        sent: list[_Sent] = []
        refused: dict[tuple[str, str], int] = {}
        for row in part:
            if refused and (row.topic, row.key) in refused:
                continue
            span = span_from(_traceparent(row), f"send {row.topic}", Kind.PRODUCER)
            try:
                sent.append(_Sent(row, await _send_one(producer, row), span))
            except MessageSizeTooLargeError:
                span.end()
                refused[row.topic, row.key] = row.position
                _log.error("relay.refused", topic=row.topic, position=row.position)
        if refused:
            await outbox.refuse(connection, sorted(refused.values()), _TOO_LARGE)
        return sent

    async def _acknowledged(self, connection: OwnConnection, sent: "Sequence[_Sent]") -> None:
        """Wait for the broker's answers and forget what it has."""
        self._metrics.relay_in_flight.set(len(sent))
        if sent:
            await self._beating(connection, asyncio.ensure_future(asyncio.wait([one.answer for one in sent])))
            await self._settle(connection, sent)
        for one in sent:
            one.span.end()

    async def _settle(self, connection: OwnConnection, sent: "Sequence[_Sent]") -> None:
        """Delete what was acknowledged. A later row of a key whose earlier one failed stays, to be sent again after it."""
        failed: set[tuple[str, str]] = set()
        first: BaseException | None = None
        done: list[int] = []
        for row, answer, _ in sent:
            error = answer.exception()
            if error is None and (row.topic, row.key) not in failed:
                done.append(row.position)
            elif error is not None:
                failed.add((row.topic, row.key))
                first = first or error
        if done:
            self.acknowledged_at = self._clock.now()
            await outbox.delete(connection, done)
            self._alone.difference_update(done)
            for topic, count in Counter(one.row.topic for one in sent).items():
                self._metrics.relay_sent.labels(topic).inc(count)
        if isinstance(first, MessageSizeTooLargeError):
            await self._too_large(connection, [row for row, answer, _ in sent if answer.exception() is not None])
        if first is not None:
            raise first

    async def _too_large(self, connection: OwnConnection, failed: Sequence[OutboxRow]) -> None:
        """The broker refuses a whole batch: one row of it by itself is found out, and all as large go the same way."""
        if len(failed) > 1:
            self._alone.update(row.position for row in failed)
            return
        refused = await outbox.refuse_larger(connection, failed[0], _TOO_LARGE)
        self._alone.discard(failed[0].position)
        _log.error("relay.refused", topic=failed[0].topic, rows=refused, bytes=len(failed[0].body))

    async def _beating(self, connection: OwnConnection, waiting: "asyncio.Future[Any]") -> None:
        """Wait for the broker, keeping the session (and so the lock) alive meanwhile."""
        while not (await asyncio.wait([waiting], timeout=_HEARTBEAT_SECONDS))[0]:
            self.loop.beat()
            await connection.execute("SELECT 1")
        waiting.result()


def _traceparent(row: OutboxRow) -> str | None:
    """The trace that the event was published in; the envelope puts it last."""
    name, value = row.headers[-1]
    return value.decode() if name == "traceparent" else None


async def _send_one(producer: AIOKafkaProducer, row: OutboxRow) -> "asyncio.Future[Any]":
    """Hand a row to the producer; the answer is done when the broker acknowledged it."""
    sending = cast(
        "Awaitable[asyncio.Future[Any]]", producer.send(row.topic, row.body, row.key.encode(), headers=row.headers)
    )
    return await sending
