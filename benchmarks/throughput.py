"""Relay and reactions at full speed, each as a ratio to aiokafka alone."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from chassis.clock import new_id
from chassis.records import encode
from chassis.service import Service
from chassis.sql import borrow
from chassis.worker import Worker
from contracts.personal import SubjectId
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId
from prometheus_client.registry import Collector

from benchmarks import raw
from benchmarks.rig import Rig, interest, store_many, store_one
from chassis import outbox

PEOPLE = 5_000


@dataclass(frozen=True)
class Throughput:
    """Events per second."""

    raw_send: float
    raw_receive: float
    relay: float
    batch: float
    single: float


async def measure(rig: Rig, events: int, singles: int) -> Throughput:
    """One round: the raw client first, then ours on the same broker."""
    people = await asyncio.to_thread(rig.people, PEOPLE)
    async with rig.service(lambda service: None) as service:
        relay, raw_send, raw_receive = await _relay(rig, service, people, events)
    batch = await _reactions(
        rig, people, events, lambda s: s.store_batch(JobInterestSaved, store_many, purpose=PurposeId.P4)
    )
    single = await _reactions(
        rig, people, singles, lambda s: s.store(JobInterestSaved, store_one, purpose=PurposeId.P4)
    )
    return Throughput(raw_send, raw_receive, relay, batch, single)


async def outgoing_events(service: Service, people: list[SubjectId], count: int) -> list[outbox.OutgoingEvent]:
    """Events about these people in turn, sealed as their publisher would."""
    keys = await service.keys.fetch(service.keys.names_for(people))
    cause, clock = service.database.cause(), service.clock
    return [
        encode(
            interest(people[n % len(people)]),
            keys,
            cause,
            event_id=new_id(clock),
            source="benchmark",
            at=clock.now(),
            prefix=service.settings.topic_prefix,
        )
        for n in range(count)
    ]


async def _fill_outbox(service: Service, outgoing: list[outbox.OutgoingEvent]) -> None:
    for start in range(0, len(outgoing), 5_000):
        async with borrow(service.database.pool) as connection:
            await outbox.insert(connection, outgoing[start : start + 5_000], service.clock.now())


async def _relay(rig: Rig, service: Service, people: list[SubjectId], count: int) -> tuple[float, float, float]:
    outgoing = await outgoing_events(service, people, count)
    topic = f"{service.settings.topic_prefix}position.v1"
    raw_send = await raw.send(rig.kafka.bootstrap, topic, outgoing)
    raw_receive = await raw.receive(rig.kafka.bootstrap, topic, count)
    await _fill_outbox(service, outgoing)
    relay = Worker(service).relay
    running = asyncio.create_task(relay.run())
    rate = await _rate(service.metrics.relay_sent, "tillit_relay_sent_total", outgoing[0].topic, count)
    relay.stop()
    await running
    return rate, raw_send, raw_receive


async def _rate(measure: Collector, sample: str, topic: str, count: int) -> float:
    """Events per second by one of the service's own counters, from its first sign of movement to `count`."""
    began, before, seen = 0.0, 0.0, 0.0
    while seen < count:
        await asyncio.sleep(0.01)
        # of this measure only: collecting the whole registry reads /proc, which takes longer than a batch
        seen = sum(
            found.value
            for metric in measure.collect()
            for found in metric.samples
            if found.name == sample and found.labels["topic"] == topic
        )
        if seen and not began:
            began, before = time.perf_counter(), seen
    return (count - before) / (time.perf_counter() - began)


async def _reactions(rig: Rig, people: list[SubjectId], count: int, declare: Callable[[Service], None]) -> float:
    async with rig.service(declare) as service:
        outgoing = await outgoing_events(service, people, count)
        await raw.send(rig.kafka.bootstrap, f"{service.settings.topic_prefix}profile.v1", outgoing)
        service.work_kinds.clear()
        worker = Worker(service)
        tasks = [asyncio.create_task(part) for part in worker.parts()]
        try:
            topic = f"{service.settings.topic_prefix}profile.v1"
            rate = await _rate(service.metrics.batch_size, "tillit_batch_size_sum", topic, count)
            async with borrow(service.database.pool) as connection:
                stored = int(await connection.fetchval("SELECT count(*) FROM interests"))
            if stored != count:
                raise AssertionError(f"{stored} rows of {count} events")
            return rate
        finally:
            await worker.drain()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
