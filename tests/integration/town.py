"""What a test of the journey needs: people with keys, a writer and a reader on real servers, and patience."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import uuid4

from chassis.clock import Clock, monotonic
from chassis.kafka_topics import ensure_topics
from chassis.parked import ParkedRow
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import another_process, open_service
from contracts.personal import SubjectId

from chassis import outbox, parked
from tests.integration import writer
from tests.integration.reader import Reader

PARTITIONS: Final = 3
PATIENCE: Final = 40.0

T = TypeVar("T")


@dataclass
class Town:
    """A writer and a reader with a broker and a keyring of their own topics and keys; both open, neither running."""

    kafka: Kafka
    postgres: Postgres
    keyring: KeyringServer
    prefix: str
    behaviour: Reader
    writer: Service
    reader: Service

    def person(self) -> SubjectId:
        """Somebody new, whose keys are made."""
        subject = SubjectId(uuid4())
        self.keyring.make(subject, writer.CATEGORIES)
        return subject

    def people(self, count: int) -> list[SubjectId]:
        return [self.person() for _ in range(count)]

    async def is_restricted(self, subject: SubjectId) -> bool:
        """Whether the reader knows that this person's data is stored only."""
        async with self.reader.database.transaction([subject], keys=()) as tx:
            return tx.state(subject).restricted

    async def runs(self) -> int:
        """How often a reaction of the reader began."""
        return self.behaviour.runs

    def another_reader(self) -> Service:
        """One more process of the reader, not yet running."""
        return another_process(self.reader, self.behaviour.build, self.reader.settings)

    def another_writer(self) -> Service:
        return another_process(self.writer, writer.build, self.writer.settings)


@asynccontextmanager
async def town(kafka: Kafka, postgres: Postgres, prefix: str, clock: Clock | None = None) -> AsyncGenerator[Town]:
    """A town whose topics are made, under this prefix."""
    behaviour = Reader()
    async with AsyncExitStack() as stack:
        keyring = await stack.enter_async_context(KeyringServer())
        await ensure_topics(kafka.bootstrap, partitions=PARTITIONS, prefix=prefix)

        async def opened(build: Callable[[ServiceSettings], Service]) -> Service:
            return await stack.enter_async_context(
                open_service(build, ServiceSettings, postgres, keyring, kafka=kafka, topic_prefix=prefix, clock=clock)
            )

        yield Town(
            kafka, postgres, keyring, prefix, behaviour, await opened(writer.build), await opened(behaviour.build)
        )


async def eventually(
    what: str, ask: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], within: float = PATIENCE
) -> T:
    """The first answer that is wanted.

    Raises:
        AssertionError: none was in time; names what was waited for and the last answer.
    """
    began = monotonic()
    while True:
        answer = await ask()
        if wanted(answer):
            return answer
        if monotonic() - began > within:
            raise AssertionError(f"{what}: not within {within} s; the last answer was {answer!r}")
        await asyncio.sleep(0.02)


async def parked_rows(service: Service) -> list[ParkedRow]:
    async with borrow(service.database.pool) as connection:
        return await parked.page(connection, 0, 1_000)


async def waiting_to_be_sent(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        return (await outbox.depth(connection)).rows
