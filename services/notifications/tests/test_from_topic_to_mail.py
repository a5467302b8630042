"""The real process, on a real broker: a record on a topic becomes one mail in somebody's inbox."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import AIOKafkaProducer
from chassis.clock import SystemClock
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service, running, seal_event
from contracts.topics import TOPICS
from notifications_service.app import build
from notifications_service.settings import NotificationsSettings

from .rig import EVERYTHING, Person, count, position, published, states
from .smtp_server import Catcher

_LONG_ENOUGH_SECONDS = 30.0


async def test_a_published_position_becomes_one_mail(
    postgres: Postgres, kafka: Kafka, topic_prefix: str, keyring: KeyringServer, catcher: Catcher
) -> None:
    person, clock = Person(), SystemClock()
    keyring.make(person.subject_id, EVERYTHING)
    await kafka.create_topics([topic_prefix + name for name in TOPICS])
    async with (
        open_service(
            build,
            NotificationsSettings,
            postgres,
            keyring,
            kafka=kafka,
            topic_prefix=topic_prefix,
            smtp_url=f"smtp://127.0.0.1:{catcher.port}",
            mail_from="portal@tillit.example",
            portal_url="https://portal.example",
        ) as service,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        async with running(service):
            for event, arrived in (
                (person.registered(), lambda: count(service, "contacts")),
                (person.wants(), lambda: count(service, "interests")),
                (position(), lambda: count(service, "positions")),
            ):
                sent = seal_event(keyring, event, clock=clock, prefix=topic_prefix)
                for _ in range(2):  # its publisher's relay was not sure
                    await producer.send_and_wait(sent.topic, sent.body, sent.key.encode(), headers=sent.headers)
                await becomes(1, arrived)
            await becomes([("sent", None)], lambda: states(service))
            await becomes([], lambda: published(service))  # the relay took what was said of it
        assert await states(service) == [("sent", None)]
        assert catcher.recipients == [person.email]


async def becomes(wanted: object, now: Callable[[], Awaitable[object]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(_LONG_ENOUGH_SECONDS):
        while True:
            if await now() == wanted:
                return
            await asyncio.sleep(0.05)
