"""The service at work as in production: on a real broker, with real mail, and somebody who says events to it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from chassis.clock import SystemClock
from chassis.service import Service
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service, running, seal_event
from contracts.event import Event
from contracts.topics import TOPICS
from notifications_service.app import build
from notifications_service.settings import NotificationsSettings

from .smtp_server import Catcher

_LONG_ENOUGH_SECONDS = 30.0


@asynccontextmanager
async def at_work(
    postgres: Postgres, kafka: Kafka, prefix: str, keyring: KeyringServer, catcher: Catcher
) -> AsyncGenerator[tuple[Service, Callable[..., Awaitable[None]]]]:
    """The service, running, and how an event comes to it: `await say(event, times=2)`."""
    clock = SystemClock()
    await kafka.create_topics([prefix + name for name in TOPICS])
    async with (
        open_service(
            build,
            NotificationsSettings,
            postgres,
            keyring,
            kafka=kafka,
            topic_prefix=prefix,
            smtp_url=f"smtp://127.0.0.1:{catcher.port}",
            mail_from="portal@tillit.example",
            portal_url="https://portal.example",
        ) as service,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
        running(service),
    ):

        async def say(event: Event, times: int = 1) -> None:
            sent = seal_event(keyring, event, clock=clock, prefix=prefix)
            for _ in range(times):
                await producer.send_and_wait(sent.topic, sent.body, sent.key.encode(), headers=sent.headers)

        yield service, say


async def becomes(wanted: object, now: Callable[[], Awaitable[object]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(_LONG_ENOUGH_SECONDS):
        while True:
            if await now() == wanted:
                return
            await asyncio.sleep(0.05)
