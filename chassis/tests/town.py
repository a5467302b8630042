"""A service that writes down what reaches it, on a database and a keyring of its own, and records made by hand."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from chassis.clock import MovedClock
from chassis.holders import Holder
from chassis.migrations import MigrationSource
from chassis.outbox import OutgoingEvent
from chassis.park import restore
from chassis.parked import ParkedRow
from chassis.personal_tables import PersonalTable
from chassis.reactions import Received
from chassis.records import Record
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.testing.containers import Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import deliver_records, open_service, partition_of, seal_event, surroundings
from chassis.transaction import Transaction
from contracts.communication import MessageKind, MessageSent
from contracts.event import Event
from contracts.personal import Category, Personal, PersonalRecord, SubjectId, UserInformation
from contracts.position import PositionPublished
from contracts.privacy import DeletionCancelled, DeletionRequested, ErasureRequested, SubjectErased
from contracts.profile import DeletionReason, JobInterestRemoved, JobInterestSaved, ProfileCorrected
from contracts.purposes import PurposeId

from chassis import outbox, parked

AT: Final = datetime(2026, 1, 2, 8, tzinfo=UTC)
NAME: Final = "notifications"
PROFILE_ONLY: Final = frozenset({Category.USER_INFORMATION})
CATEGORIES: Final = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})
POISON: Final = "poison"
CANARY: Final = "Kanarifugl Testesen"
"""A name that stands nowhere in the clear."""
MIGRATIONS: Final = MigrationSource("town", Path(__file__).parent / "town_migrations")
HOLDER: Final = Holder(
    NAME,
    tables=(
        PersonalTable(
            "kept",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="as long as the test",
            sealed=("details",),
            other=("place", "event_id", "event_type", "number"),
            record="event_id",
        ),
        PersonalTable(
            "letters",
            category=Category.COMMUNICATION,
            owner="subject_id",
            rule="as long as the test",
            other=("letter_id",),
            record="letter_id",
        ),
    ),
    impersonal={"adverts": "about no person"},
    work_kinds={"tell": Category.USER_INFORMATION},
)


class Details(PersonalRecord):
    """The sealed column of what was kept."""

    occupation: Personal[str, UserInformation]


class Poisoned(Exception):
    """What a reaction raises on poison; its text quotes personal data, as exceptions do."""


@dataclass
class Town:
    """The service, and how its reactions behave."""

    keyring: KeyringServer
    clock: MovedClock
    cured: bool = False
    """Whether poison does no harm any more."""
    disturb: Callable[[Event, Transaction], Awaitable[None]] | None = None
    """Awaited in the middle of each reaction; may raise."""
    batches: list[int] = field(default_factory=list[int])
    """How many events each batch reaction was given."""
    service: Service = field(init=False)

    def build(self, settings: ServiceSettings) -> Service:
        service = Service(NAME, settings, holder=HOLDER, key_categories=CATEGORIES, migrations=MIGRATIONS)
        service.store(JobInterestSaved, self._on_saved, purpose=PurposeId.P4)
        service.store_batch(JobInterestRemoved, self._on_removed, purpose=PurposeId.P4)
        service.use(ProfileCorrected, self._on_corrected, purpose=PurposeId.P4)
        service.store(PositionPublished, self._on_advert, purpose=PurposeId.P4)
        service.protocol(ErasureRequested, self._on_erasure)
        return service

    # What it does with what reaches it

    async def _on_saved(self, event: JobInterestSaved, tx: Transaction) -> None:
        assert tx.cause.event_id is not None
        await self._keep(event, event.subject_id, event.interest_id.int, tx.cause.event_id, tx, event.occupation)
        tx.publish(message(event.subject_id))
        await self._disturbed(event, tx)
        if event.occupation.reveal() == POISON and not self.cured:
            raise Poisoned(f"{CANARY} looks for {POISON}")

    async def _on_removed(self, events: Sequence[Received[JobInterestRemoved]], tx: Transaction) -> None:
        self.batches.append(len(events))
        for received in events:
            event = received.event
            await self._keep(event, event.subject_id, event.interest_id.int, received.envelope.id, tx)
            await self._disturbed(event, tx)

    async def _on_corrected(self, event: ProfileCorrected, tx: Transaction) -> None:
        assert tx.cause.event_id is not None
        await self._keep(event, event.subject_id, 0, tx.cause.event_id, tx)
        await self._disturbed(event, tx)

    async def _on_advert(self, event: PositionPublished, tx: Transaction) -> None:
        floor = int(event.place) if event.place.isdecimal() else 0
        await tx.execute(
            "INSERT INTO adverts (position_id, title, floor) VALUES ($1, $2, $3)", event.position_id, event.title, floor
        )
        await self._disturbed(event, tx)

    async def _on_erasure(self, event: ErasureRequested, tx: Transaction) -> None:
        await HOLDER.erase(event, tx)
        await self._disturbed(event, tx)

    async def _keep(
        self,
        event: Event,
        subject: SubjectId,
        number: int,
        event_id: UUID,
        tx: Transaction,
        occupation: Personal[str, UserInformation] | None = None,
    ) -> None:
        sealed = None
        if occupation is not None and not occupation.erased:
            sealed = tx.seal(Details(occupation=occupation), subject=subject, record_id=event_id, schema="kept")
        await tx.execute(
            "INSERT INTO kept (event_id, event_type, subject_id, number, details) VALUES ($1, $2, $3, $4, $5)",
            event_id,
            event.type,
            subject,
            number,
            sealed,
        )

    async def _disturbed(self, event: Event, tx: Transaction) -> None:
        if self.disturb is not None:
            await self.disturb(event, tx)

    # People and records

    def person(self) -> SubjectId:
        """Somebody new, whose keys are made."""
        subject = SubjectId(uuid4())
        self.keyring.make(subject, CATEGORIES)
        return subject

    def sealed(self, event: Event) -> OutgoingEvent:
        """The event as its owner sends it."""
        return seal_event(self.keyring, event, clock=self.clock)

    def place(
        self, topic: str, key: bytes | None, headers: Sequence[tuple[str, bytes]], value: bytes | None, partition: int
    ) -> Record:
        """A record at the end of its partition."""
        sent = surroundings(self.service).sent
        offset = sent[topic, partition]
        sent[topic, partition] += 1
        return Record(topic, partition, offset, key, headers, value)

    def record(self, event: Event | OutgoingEvent) -> Record:
        """The event at the end of its partition, sealed now or before."""
        sent = self.sealed(event) if isinstance(event, Event) else event
        return self.place(sent.topic, sent.key.encode(), sent.headers, sent.body, partition_of(sent.key))

    async def take_in(self, *records: Record) -> None:
        await deliver_records(self.service, records)

    async def say(self, *events: Event) -> list[Record]:
        """Events of one topic in one batch."""
        records = [self.record(event) for event in events]
        await self.take_in(*records)
        return records

    # What became of them

    async def kept(self, subject: SubjectId) -> list[int]:
        """The numbers kept for this person, in the order in which they were."""
        async with borrow(self.service.database.pool) as connection:
            rows = await connection.fetch("SELECT number FROM kept WHERE subject_id = $1 ORDER BY place", subject)
        return [row["number"] for row in rows]

    async def answers(self, subject: SubjectId) -> int:
        """How many events about this person wait to be sent."""
        async with borrow(self.service.database.pool) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM outbox WHERE key = $1", str(subject)))

    async def published(self, key: object) -> list[str]:
        """The types of the events of this key that wait to be sent."""
        async with borrow(self.service.database.pool) as connection:
            rows = await outbox.due(connection, 10_000)
        return [dict(row.headers)["ce_type"].decode() for row in rows if row.key == str(key)]

    async def titles(self, position: UUID) -> list[str]:
        async with borrow(self.service.database.pool) as connection:
            rows = await connection.fetch("SELECT title FROM adverts WHERE position_id = $1 ORDER BY place", position)
        return [row["title"] for row in rows]

    async def parked(self, records: Iterable[Record]) -> list[ParkedRow]:
        """Those of these records that are parked, in the order of the store."""
        places = {(record.topic, record.partition, record.offset) for record in records}
        async with borrow(self.service.database.pool) as connection:
            rows = await parked.page(connection, 0, 100_000)
        return [row for row in rows if (row.topic, row.partition, row.offset) in places]

    async def parked_bytes(self, row: ParkedRow) -> bytes:
        """Everything that the store holds of a parked record, its columns as text."""
        async with borrow(self.service.database.pool) as connection:
            found = await connection.fetchrow("SELECT p::text AS columns, record FROM parked p WHERE id = $1", row.id)
        assert found is not None
        return found["columns"].encode() + found["record"]

    async def restored(self, row: ParkedRow) -> Record:
        """The record that was parked."""
        async with borrow(self.service.database.pool) as connection:
            packed = await connection.fetchval("SELECT record FROM parked WHERE id = $1", row.id)
        return restore(
            packed,
            self.service.own_key,
            topic=row.topic,
            partition=row.partition,
            offset=row.offset,
            key=row.key,
            encrypted=row.encrypted,
        )


@asynccontextmanager
async def town(postgres: Postgres) -> AsyncGenerator[Town]:
    clock = MovedClock(AT)
    async with KeyringServer() as keyring:
        made = Town(keyring, clock)
        async with open_service(made.build, ServiceSettings, postgres, keyring, clock=clock) as service:
            made.service = service
            yield made


def saved(subject: SubjectId, number: int, occupation: str = "sykepleier") -> JobInterestSaved:
    return JobInterestSaved(
        subject_id=subject,
        interest_id=UUID(int=number),
        saved_at=AT,
        occupation=Personal(occupation),
        place=Personal(None),
    )


def removed(subject: SubjectId, number: int) -> JobInterestRemoved:
    return JobInterestRemoved(subject_id=subject, interest_id=UUID(int=number), removed_at=AT)


def corrected(subject: SubjectId, name: str = CANARY) -> ProfileCorrected:
    return ProfileCorrected(
        subject_id=subject,
        corrected_at=AT,
        name=Personal(name),
        email=Personal("kanarifugl@post.example"),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


def message(subject: SubjectId) -> MessageSent:
    return MessageSent(
        subject_id=subject, message_id=uuid4(), kind=MessageKind.JOB_ALERT, sent_at=AT, position_id=Personal(None)
    )


def advert(position: UUID, title: str = "Sykepleier, natt", place: str = "Bodø") -> PositionPublished:
    return PositionPublished(
        position_id=position,
        employer_id=position,
        employer_name="Fjell sykehus",
        title=title,
        occupation="sykepleier",
        place=place,
        published_at=AT,
    )


def deletion(subject: SubjectId) -> DeletionRequested:
    return DeletionRequested(subject_id=subject, reason=DeletionReason.REQUESTED, requested_at=AT, final_at=AT)


def cancellation(subject: SubjectId) -> DeletionCancelled:
    return DeletionCancelled(subject_id=subject, cancelled_at=AT)


def erasure(subject: SubjectId, categories: frozenset[Category] = CATEGORIES) -> ErasureRequested:
    return ErasureRequested(
        subject_id=subject,
        erasure_id=uuid4(),
        nonce="a nonce",
        reason=DeletionReason.REQUESTED,
        categories=categories,
        requested_at=AT,
        due_at=AT,
    )


def erased(subject: SubjectId, categories: frozenset[Category] = CATEGORIES) -> SubjectErased:
    return SubjectErased(subject_id=subject, categories=categories)
