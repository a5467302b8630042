"""A consumer that is a million records behind catches up in bounded memory, and new people are served meanwhile."""

import asyncio
import statistics
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from uuid import uuid4

import pytest
from chassis.clock import monotonic
from chassis.kafka_topics import ensure_topics
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service, running, seal_event
from confluent_kafka import Producer
from contracts.personal import Category, SubjectId
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId

from benchmarks.rig import HOLDER, MIGRATIONS, interest, message, store_many
from tests.bounds.memory import tell, watched_memory
from tests.integration.town import waiting_to_be_sent

RECORDS: Final = 1_000_000
PEOPLE: Final = 5_000
MOST_MIB: Final = 250
"""Polls of 2,000 records for three lanes, the client's fetches of 8 MiB, 20,000 keys."""
WAIT_SECONDS: Final = 1.0
CATEGORIES: Final = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800)]


def build(settings: ServiceSettings) -> Service:
    service = Service("notifications", settings, holder=HOLDER, key_categories=CATEGORIES, migrations=MIGRATIONS)
    service.store_batch(JobInterestSaved, store_many, purpose=PurposeId.P4)
    return service


@asynccontextmanager
async def behind(kafka: Kafka, postgres: Postgres, keyring: KeyringServer, prefix: str) -> AsyncGenerator[Service]:
    """A service whose topic holds a million events that it has not taken in."""
    await ensure_topics(kafka.bootstrap, partitions=6, prefix=prefix)
    async with open_service(build, ServiceSettings, postgres, keyring, kafka=kafka, topic_prefix=prefix) as service:
        people = [new_person(keyring) for _ in range(PEOPLE)]
        await asyncio.to_thread(publish, service, keyring, people)
        yield service


def new_person(keyring: KeyringServer) -> SubjectId:
    subject = SubjectId(uuid4())
    keyring.make(subject, CATEGORIES)
    return subject


def publish(service: Service, keyring: KeyringServer, people: list[SubjectId]) -> None:
    producer = Producer({"bootstrap.servers": service.settings.kafka_bootstrap, "linger.ms": 20})
    for number in range(RECORDS):
        event = seal_event(
            keyring,
            interest(people[number % PEOPLE]),
            clock=service.clock,
            prefix=service.settings.topic_prefix,
        )
        producer.produce(event.topic, event.body, event.key.encode(), headers=[*event.headers])
        if number % 10_000 == 0:
            producer.flush()
    assert producer.flush(60) == 0


async def test_it_catches_up_and_new_people_wait_for_nothing(
    kafka: Kafka, postgres: Postgres, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        async with KeyringServer() as keyring, behind(kafka, postgres, keyring, topic_prefix) as service:
            waits: list[float] = []
            began = monotonic()
            async with running(service, "all"), watched_memory() as memory:
                while (taken := await rows(service)) < RECORDS:
                    waits.append(await command_of_somebody_new(service, keyring))
                    assert monotonic() - began < 900, f"{taken:,} of {RECORDS:,} after {monotonic() - began:.0f} s"
                    await asyncio.sleep(0.2)
                seconds = monotonic() - began
                assert await waiting_to_be_sent(service) < 50, "what new people did is not sent"
            p99 = statistics.quantiles(waits, n=100, method="inclusive")[98]
            tell(
                f"{RECORDS:,} records in {seconds:.0f} s ({RECORDS / seconds:,.0f}/s), {memory.growth:.0f} MiB more;"
                f" {len(waits)} new people waited {statistics.median(waits):.3f} s, p99 {p99:.3f} s"
            )
            assert p99 < WAIT_SECONDS
            assert memory.growth < MOST_MIB


async def rows(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM inbox"))


async def command_of_somebody_new(service: Service, keyring: KeyringServer) -> float:
    """Seconds from the command of a person whose keys nobody has cached to its commit."""
    subject = new_person(keyring)
    began = monotonic()
    async with service.database.transaction([subject]) as tx:
        tx.publish(message(interest(subject), tx))
    return monotonic() - began
