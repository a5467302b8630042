"""`python -m benchmarks.scaling`: events a second of one service by partitions of its topic and by its processes."""

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final
from uuid import uuid4

import httpx
import uvloop
from chassis.kafka_topics import ensure_topics
from chassis.outbox import OutgoingEvent
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing.services import open_service, seal_event
from confluent_kafka import Producer
from contracts.personal import SubjectId
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.rig import Rig, interest, servers
from benchmarks.soak import soaked
from benchmarks.soak_service import build
from chassis import logs

PARTITIONS: Final = (1, 2, 6, 12)
WORKERS: Final = (1, 2, 3)
PEOPLE: Final = 5_000


@asynccontextmanager
async def workers(rig: Rig, partitions: int, count: int) -> AsyncGenerator[tuple[Service, list[str]]]:
    """So many processes of one service that are ready, and where their measures are."""
    prefix = f"w{uuid4().hex[:8]}."
    await ensure_topics(rig.kafka.bootstrap, partitions=partitions, prefix=prefix)
    async with AsyncExitStack() as stack:
        opened = open_service(build, ServiceSettings, rig.postgres, rig.keyring, kafka=rig.kafka, topic_prefix=prefix)
        service = await stack.enter_async_context(opened)
        running = [await stack.enter_async_context(soaked(service)) for _ in range(count)]
        yield service, [metrics for _, metrics in running]
    await rig.kafka.delete_topics_of(prefix)


def seal_all(rig: Rig, service: Service, people: Sequence[SubjectId], count: int) -> list[OutgoingEvent]:
    prefix, clock = service.settings.topic_prefix, service.clock
    return [
        seal_event(rig.keyring, interest(people[number % len(people)]), clock=clock, prefix=prefix)
        for number in range(count)
    ]


def publish(rig: Rig, events: Sequence[OutgoingEvent]) -> None:
    producer = Producer({"bootstrap.servers": rig.kafka.bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
    for number, event in enumerate(events):
        producer.produce(event.topic, event.body, event.key.encode(), headers=[*event.headers])
        if number % 10_000 == 0:
            producer.flush()
    if producer.flush(60):
        raise SystemExit("the broker did not take every event")


async def taken(http: httpx.AsyncClient, metrics: Sequence[str]) -> float:
    """How many events all processes have taken in."""
    texts = [(await http.get(url)).text for url in metrics]
    samples = [one for text in texts for family in text_string_to_metric_families(text) for one in family.samples]
    return sum(one.value for one in samples if one.name == "tillit_batch_size_sum")


async def measure(rig: Rig, partitions: int, count: int, events: int) -> float:
    """Events per second from the first that is published to the last that is taken in, stored and told of."""
    people = await asyncio.to_thread(rig.people, PEOPLE)
    async with workers(rig, partitions, count) as (service, metrics), httpx.AsyncClient() as http:
        sealed = await asyncio.to_thread(seal_all, rig, service, people, events)
        began = time.perf_counter()
        await asyncio.to_thread(publish, rig, sealed)
        while await taken(http, metrics) < events:
            await asyncio.sleep(0.05)
            if time.perf_counter() - began > 300:
                raise SystemExit("no end in sight")
        return events / (time.perf_counter() - began)


async def table(events: int) -> str:
    lines = [
        "| partitions | " + " | ".join(f"{count} worker{'s' * (count > 1)}" for count in WORKERS) + " |",
        "|---" * (len(WORKERS) + 1) + "|",
    ]
    async with servers() as rig:
        base = 0.0
        for partitions in PARTITIONS:
            rates = [await measure(rig, partitions, count, events) for count in WORKERS]
            base = base or rates[0]
            lines.append(
                f"| {partitions} | " + " | ".join(f"{rate:,.0f}/s ({rate / base:.2f})" for rate in rates) + " |"
            )
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--events", type=int, default=30_000, help="of each cell")
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    print(uvloop.run(table(args.events)))


if __name__ == "__main__":
    main()
