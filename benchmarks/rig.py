"""A service of the benchmarks: one event, one sealed table, reactions one by one and in batches, on real servers."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from chassis.clock import SystemClock
from chassis.holders import Holder
from chassis.kafka_topics import ensure_topics
from chassis.migrations import MigrationSource
from chassis.personal_tables import PersonalTable
from chassis.reactions import Received
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing.containers import Kafka, Postgres, start_kafka, start_postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service
from chassis.transaction import Transaction
from contracts.communication import MessageKind, MessageSent
from contracts.personal import Category, Personal, PersonalRecord, SubjectId, UserInformation
from contracts.profile import JobInterestSaved

HOLDER = Holder(
    "notifications",
    (
        PersonalTable(
            "interests",
            Category.USER_INFORMATION,
            owner="subject_id",
            rule="benchmark",
            sealed=("interest",),
            other=("interest_id", "saved_at"),
        ),
    ),
)
MIGRATIONS = MigrationSource("benchmark", Path(__file__).parent / "migrations")


class Interest(PersonalRecord):
    """The sealed columns of the benchmark's table."""

    occupation: Personal[str, UserInformation]
    place: Personal[str | None, UserInformation]


async def store_one(event: JobInterestSaved, tx: Transaction) -> None:
    """One statement for one event."""
    await tx.execute(
        "INSERT INTO interests (interest_id, subject_id, interest, saved_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (interest_id) DO NOTHING",
        event.interest_id,
        event.subject_id,
        _sealed(event, tx),
        event.saved_at,
    )


async def store_many(events: Sequence[Received[JobInterestSaved]], tx: Transaction) -> None:
    """One statement for as many events as the batch allows."""
    await tx.execute(
        "INSERT INTO interests (interest_id, subject_id, interest, saved_at)"
        " SELECT i, s, b, t FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::timestamptz[]) AS x(i, s, b, t)"
        " ON CONFLICT (interest_id) DO NOTHING",
        [received.event.interest_id for received in events],
        [received.event.subject_id for received in events],
        [_sealed(received.event, tx) for received in events],
        [received.event.saved_at for received in events],
    )


def _sealed(event: JobInterestSaved, tx: Transaction) -> bytes:
    record = Interest(occupation=event.occupation, place=event.place)
    return tx.seal(record, subject=event.subject_id, record_id=event.interest_id, schema="interests")


def message(event: JobInterestSaved, tx: Transaction) -> MessageSent:
    """What a reaction tells of an interest."""
    return MessageSent(
        subject_id=event.subject_id,
        message_id=event.interest_id,
        kind=MessageKind.JOB_ALERT,
        sent_at=tx.now(),
        position_id=Personal(None),
    )


def interest(subject: SubjectId) -> JobInterestSaved:
    """An event whose record on Kafka is about 505 bytes of body and 700 of headers."""
    clock = SystemClock()
    return JobInterestSaved(
        subject_id=subject,
        interest_id=uuid4(),
        saved_at=clock.now(),
        occupation=Personal("sykepleier med videreutdanning i anestesi"),
        place=Personal("Bodø"),
    )


@dataclass(frozen=True)
class Rig:
    """The servers of one run."""

    kafka: Kafka
    postgres: Postgres
    keyring: KeyringServer

    def people(self, count: int) -> list[SubjectId]:
        """People whose keys are made."""
        subjects = [SubjectId(uuid4()) for _ in range(count)]
        for subject in subjects:
            self.keyring.make(subject, [Category.USER_INFORMATION, Category.COMMUNICATION])
        return subjects

    @asynccontextmanager
    async def service(
        self, declare: Callable[[Service], None], *others: Category, name: str = "notifications"
    ) -> AsyncGenerator[Service]:
        """A service with its own database and topics, that may have keys of these other categories too."""
        prefix = f"b{uuid4().hex[:8]}."
        await ensure_topics(self.kafka.bootstrap, partitions=6, prefix=prefix)

        def build(settings: ServiceSettings) -> Service:
            service = Service(
                name,
                settings,
                holder=HOLDER,
                key_categories=frozenset({Category.USER_INFORMATION, *others}),
                migrations=MIGRATIONS,
            )
            declare(service)
            return service

        async with open_service(
            build, ServiceSettings, self.postgres, self.keyring, kafka=self.kafka, topic_prefix=prefix
        ) as service:
            yield service
        await self.kafka.delete_topics_of(prefix)


class DirectPostgres(Postgres):
    """Reached at its own address: through the published port every round trip would pass a proxy in user space."""

    def dsn(self, user: str, password: str, database: str) -> str:
        container = self.get_wrapped_container()
        container.reload()
        address = container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        return f"postgresql://{user}:{password}@{address}:5432/{database}"


@asynccontextmanager
async def servers() -> AsyncGenerator[Rig]:
    """Kafka and PostgreSQL in containers of their own, and a keyring."""
    async with AsyncExitStack() as stack:
        kafka, postgres = await asyncio.to_thread(start_kafka), await asyncio.to_thread(start_postgres, DirectPostgres)
        stack.callback(kafka.stop)
        stack.callback(postgres.stop)
        keyring = await stack.enter_async_context(KeyringServer())
        yield Rig(kafka, postgres, keyring)
