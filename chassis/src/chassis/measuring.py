"""Keeps the gauges of what waits, asks the broker for a sign of life, and writes down what this worker sees.

A service that only consumes says nothing while its broker is away: here it is asked, every few seconds.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis import outbox, parked, sightings, work
from chassis.clock import monotonic
from chassis.consume import TopicConsumer
from chassis.errors import reason
from chassis.logs import get_logger
from chassis.relay import Relay
from chassis.service import Service
from chassis.sightings import Sighting, What
from chassis.sql import borrow

MEASURE_SECONDS: Final = 5.0
_BROKER_SECONDS: Final = 2.0
"""How long the broker may take to answer."""
GROWING_TABLES: Final = ("inbox", "idempotency_keys", "subjects", "known_holds", "held_records")
"""They grow with what happens, until their window ends; counting them row by row would take too long."""
_ESTIMATES: Final = "SELECT relname, reltuples FROM pg_class WHERE relname = ANY($1::text[]) AND relkind = 'r'"
_log = get_logger()


class Measuring:
    """What one worker measures, of its database, its broker and itself."""

    def __init__(self, service: Service, consumers: Sequence[TopicConsumer], relay: Relay) -> None:
        self._service = service
        self._consumers = consumers
        self._relay = relay
        self._contact = monotonic()
        """When the broker answered last; until it has, when this worker began."""
        self._contact_at: datetime | None = None
        service.metrics.broker_contact_age.set_function(lambda: monotonic() - self._contact)

    async def run(self) -> None:
        """Look around until cancelled."""
        while True:
            ends = await self._ask_broker()
            try:
                await self._look(ends)
            except Exception as error:  # noqa: BLE001 - a worker that can't look around goes on working
                _log.warning("measures.skipped", error=reason(error))
            await asyncio.sleep(MEASURE_SECONDS)

    async def _ask_broker(self) -> Mapping[TopicPartition, int]:
        """Where the partitions of this worker end, as far as the broker says it in time."""
        joined = [consumer.consumer for consumer in self._consumers if consumer.assigned]
        answers = await asyncio.gather(
            *(_ends(client) for client in joined if client is not None), return_exceptions=True
        )
        found: dict[TopicPartition, int] = {}
        failed: set[str] = set()
        for answer in answers:
            if isinstance(answer, Mapping):
                found |= answer
            else:  # whatever it is, a worker that can't look around goes on working
                failed.add(reason(answer))
        if any(isinstance(answer, Mapping) for answer in answers):
            self._contact, self._contact_at = monotonic(), self._service.clock.now()
        elif failed:
            away = round(monotonic() - self._contact, 1)
            _log.warning("broker.silent", error=sorted(failed), seconds=away)
        return found

    async def _look(self, ends: Mapping[TopicPartition, int]) -> None:
        metrics, now = self._service.metrics, self._service.clock.now()
        async with borrow(self._service.database.pool) as connection:
            await sightings.remember(connection, self._seen(ends, now))
            waiting = await outbox.depth(connection)
            by_topic = await parked.count_by_topic(connection)
            by_kind = await work.depth(connection)
            estimates = await connection.fetch(_ESTIMATES, GROWING_TABLES)
        age = (now - waiting.oldest).total_seconds() if waiting.oldest is not None else 0
        metrics.outbox_depth.set(waiting.rows)
        metrics.outbox_refused.set(waiting.refused)
        metrics.outbox_age.set(max(age, 0))
        for gauge, counts in ((metrics.parked, by_topic), (metrics.work_depth, by_kind)):
            gauge.clear()
            for name, rows in counts.items():
                gauge.labels(name).set(rows)
        for table, rows in estimates:
            metrics.table_rows.labels(table).set(max(rows, 0))

    def _seen(self, ends: Mapping[TopicPartition, int], now: datetime) -> list[Sighting]:
        keys = self._service.keys
        seen = [Sighting(What.WORKER, now)]
        if self._contact_at is not None:
            seen.append(Sighting(What.BROKER, self._contact_at))
        if self._relay.acknowledged_at is not None:
            seen.append(Sighting(What.RELAY, self._relay.acknowledged_at))
        if keys.answered_at is not None:
            seen.append(Sighting(What.KEYRING, keys.answered_at, value=keys.cached))
        seen.extend(Sighting(What.END, now, f"{at.topic}/{at.partition}", end) for at, end in ends.items())
        return seen


async def _ends(client: AIOKafkaConsumer) -> Mapping[TopicPartition, int]:
    """The ends of what this client reads; one without a share asks what topics there are, which is a sign of life too."""
    async with asyncio.timeout(_BROKER_SECONDS):
        if held := client.assignment():
            return cast("dict[TopicPartition, int]", await client.end_offsets(list(held)))
        await client.topics()
        return {}
