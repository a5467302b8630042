"""The worker half of a process: relay, consumers, work and housekeeping, started when their surroundings allow it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from faststream.kafka import KafkaBroker

from chassis import outbox, work
from chassis.consume import TopicConsumer
from chassis.errors import TRANSIENT, reason
from chassis.health import Loop
from chassis.housekeeping import SWEEP_EVERY, register_holder, sweep
from chassis.logs import get_logger
from chassis.measuring import Measuring
from chassis.recovery import CatchUp, TooOld
from chassis.relay import Relay
from chassis.service import Service
from chassis.work_loop import WorkLoop

_LOOP_BOUND: Final = timedelta(seconds=60)
_log = get_logger()

T = TypeVar("T")


class Worker:
    """Everything of a service that runs without being asked."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._in_hand: set[asyncio.Task[None]] = set()
        """What ends by itself once it is told to stop: a batch, an errand."""
        settings, health = service.settings, service.health
        self._catch_up = CatchUp(service)
        self._go_on = asyncio.Event()
        """Set once the database knows every erasure: what sends, and what is done later, waits for it."""
        self._broker = KafkaBroker(
            settings.kafka_bootstrap,
            client_id=service.name,
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
            graceful_timeout=settings.drain_seconds,
        )
        self._consumers = [
            TopicConsumer(
                self._broker,
                settings.topic_prefix + topic.name,
                service.group(topic),
                runner=service.runner,
                database=service.database,
                metrics=service.metrics,
                loop=health.loop(f"consume {topic.name}", _LOOP_BOUND),
            )
            for topic in service.topics()
        ]
        service.schedule("sweep", partial(sweep, service), every=SWEEP_EVERY)
        self._work = [
            WorkLoop(
                kind,
                database=service.database,
                wake=service.wakeups.event(work.channel(kind.kind)),
                metrics=service.metrics,
                loop=health.loop(f"work {kind.kind}", _LOOP_BOUND),
            )
            for kind in service.work_kinds
        ]
        self.relay = Relay(
            settings.database_url.get_secret_value(),
            settings.kafka_bootstrap,
            wake=service.wakeups.event(outbox.CHANNEL),
            clock=service.clock,
            metrics=service.metrics,
            loop=health.loop("relay", _LOOP_BOUND),
            name=service.name,
        )

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side, each until cancelled or drained."""
        return [
            self._consume(),
            self._once_current(self.relay.run, self.relay.loop),
            Measuring(self._service, self._consumers, self.relay).run(),
            self._forever(lambda: register_holder(self._service), "registering as holder"),
            *(self._once_current(work.run, work.loop) for work in self._work),
            *(consumer.commit_loop() for consumer in self._consumers),
        ]

    async def assigned(self) -> bool:
        """Whether every topic's group has told this worker its share."""
        return all(consumer.assigned for consumer in self._consumers)

    async def drain(self) -> None:
        """Take in nothing more, end what is in hand, tell Kafka, leave the groups."""
        for loop in (*self._work, *self._consumers, self.relay):
            loop.stop()
        for consumer in self._consumers:
            await consumer.commit()
        await self._broker.stop()
        if self._in_hand:
            await asyncio.wait(self._in_hand)

    async def _ending(self, part: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(part)
        self._in_hand.add(task)
        try:
            await task
        finally:
            task.cancel()
            self._in_hand.discard(task)

    async def _once_current(self, run: Callable[[], Coroutine[Any, Any, None]], loop: Loop) -> None:
        """Not before every erasure is known: a database from the past would write to people who are gone."""
        while not self._go_on.is_set():
            loop.beat()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._go_on.wait(), 1)
        await self._ending(run())

    async def _consume(self) -> None:
        # One by one: FastStream's own start would, repeated after a failure, start some subscribers twice.
        try:
            await self._broker.connect()
            first: list[TopicConsumer] = []
            begun = await self._look()
            if begun:
                first = [consumer for consumer in self._consumers if consumer.topic == self._catch_up.erasures]
                await self._join(first)
                await self._until_it_works(
                    partial(self._catch_up.read_to_the_end, [self._catch_up.erasures]), "reading"
                )
                await self._until_it_works(self._catch_up.put_own_past_back, "putting back what was said")
            self._go_on.set()
            await self._join([consumer for consumer in self._consumers if consumer not in first])
            if begun:
                await self._until_it_works(self._catch_up.read_to_the_end, "reading what was forgotten")
                await self._until_it_works(self._catch_up.done, "ending the recovery")
            await asyncio.Event().wait()
        finally:
            await self._broker.stop()

    async def _look(self) -> bool:
        """Whether there is something to catch up with. One that can't be stays for ever, not ready, and says so."""
        while True:
            try:
                return await self._until_it_works(self._catch_up.begin, "looking whether the database is of today")
            except TooOld as why:
                await self._catch_up.refused(why)
                await asyncio.Event().wait()
            except Exception as error:  # noqa: BLE001 - given up, the service would stand still, and nobody would know
                _log.error("recovery.failed", error=reason(error))
                self._service.metrics.batch_retries.labels(self._catch_up.erasures, "offsets not read").inc()
                await asyncio.sleep(1)

    async def _join(self, consumers: Sequence[TopicConsumer]) -> None:
        await asyncio.gather(
            *(self._until_it_works(consumer.start, f"joining {consumer.group}") for consumer in consumers)
        )

    async def _forever(self, attempt: Callable[[], Awaitable[None]], what: str) -> None:
        await self._until_it_works(attempt, what)
        await asyncio.Event().wait()

    async def _until_it_works(self, attempt: Callable[[], Awaitable[T]], what: str) -> T:
        delay = 0.2
        while True:
            try:
                return await attempt()
            except TRANSIENT as error:
                _log.warning("start.waiting", part=what, error=reason(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
