"""From commit to reaction done, at a steady rate, beside a bare loop that does the same with nothing of ours."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from chassis.service import Service
from chassis.sql import borrow, connect
from chassis.transaction import Transaction
from chassis.worker import Worker
from contracts.personal import SubjectId
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId

from benchmarks.raw import Polled, acknowledged
from benchmarks.rig import Rig, interest, store_one


@dataclass(frozen=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float


def _latency(seconds: list[float]) -> Latency:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return Latency(cuts[49] * 1000, cuts[98] * 1000)


async def _steadily(rate: int, seconds: float, do: Callable[[int], Awaitable[None]]) -> None:
    """Start `do` so many times a second, whether or not the one before has ended."""
    began = time.perf_counter()
    running: list[asyncio.Task[None]] = []
    for n in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + n / rate - time.perf_counter()))
        running.append(asyncio.ensure_future(_run(do, n)))
    await asyncio.gather(*running)


async def _run(do: Callable[[int], Awaitable[None]], n: int) -> None:
    await do(n)


async def ours(rig: Rig, people: list[SubjectId], *, rate: int, seconds: float) -> Latency:
    """Command → outbox → relay → Kafka → inbox → reaction → commit, all of it as in production."""
    committed: dict[str, float] = {}
    taken: list[float] = []
    warm = int(rate * 2)

    async def reaction(event: JobInterestSaved, tx: Transaction) -> None:
        await store_one(event, tx)
        key = str(event.interest_id)
        tx.after_commit.append(lambda: taken.append(time.perf_counter() - committed[key]))

    def declare(service: Service) -> None:
        service.store(JobInterestSaved, reaction, purpose=PurposeId.P1)

    async with rig.service(declare, name="profile") as service:
        worker = Worker(service)
        tasks = [asyncio.create_task(part) for part in (service.wakeups.run(), *worker.parts())]
        while not await worker.assigned():
            await asyncio.sleep(0.05)

        await service.keys.fetch(service.keys.names_for(people))

        async def command(n: int) -> None:
            subject = people[n % len(people)]
            event = interest(subject)
            async with service.database.transaction([subject]) as tx:
                tx.publish(event)
                tx.after_commit.insert(0, lambda: committed.__setitem__(str(event.interest_id), time.perf_counter()))

        total = int(rate * seconds)
        await _steadily(rate, seconds, command)
        while len(taken) < total:
            await asyncio.sleep(0.05)
        await worker.drain()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return _latency(taken[warm:])


async def bare(rig: Rig, *, rate: int, seconds: float) -> Latency:
    """A row and a NOTIFY, a listener that sends it with aiokafka, and a getmany loop."""
    taken: list[float] = []
    warm = int(rate * 2)
    async with rig.service(lambda service: None) as service:
        topic = f"{service.settings.topic_prefix}position.v1"
        producer = AIOKafkaProducer(bootstrap_servers=rig.kafka.bootstrap, enable_idempotence=True, acks="all")
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=rig.kafka.bootstrap,
            group_id=f"bare.{topic}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await producer.start()
        await consumer.start()
        listener = await connect(service.settings.database_url.get_secret_value())
        wake = asyncio.Event()

        def heard(connection: object, pid: int, channel: str, payload: object) -> None:
            wake.set()

        await listener.add_listener("bare", heard)

        async def relay() -> None:
            while True:
                await wake.wait()
                wake.clear()
                while rows := await listener.fetch("DELETE FROM bare RETURNING id, sent_at"):
                    await acknowledged(
                        [
                            await producer.send(topic, f"{row['sent_at']!r}".encode(), key=row["id"].bytes)
                            for row in rows
                        ]
                    )

        async def receive() -> None:
            while True:
                polling = consumer.getmany(timeout_ms=1000, max_records=500)  # pyright: ignore[reportUnknownVariableType]
                for records in (await cast("Awaitable[Polled]", polling)).values():
                    now = time.perf_counter()
                    taken.extend(now - float(record.value or b"") for record in records)

        async def command(n: int) -> None:
            async with borrow(service.database.pool) as connection:
                async with connection.transaction():
                    await connection.execute(
                        "INSERT INTO bare (id, sent_at) VALUES ($1, $2)", uuid4(), time.perf_counter()
                    )
                await connection.execute("SELECT pg_notify('bare', '')")

        tasks = [asyncio.create_task(relay()), asyncio.create_task(receive())]
        await _steadily(rate, seconds, command)
        while len(taken) < int(rate * seconds):
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await consumer.stop()
        await producer.stop()
        await listener.close(timeout=1)
    return _latency(taken[warm:])
