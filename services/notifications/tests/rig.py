"""What the tests of reactions need to say events, do work and look at what is stored."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from chassis.health import Health
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import deliver, deliver_sealed, seal_event, surroundings
from chassis.work_loop import WorkLoop
from contracts.event import Event
from contracts.personal import Category, Personal, SubjectId
from contracts.position import ClosingReason, PositionClosed, PositionPublished
from contracts.privacy import DeletionRequested, ErasureRequested
from contracts.profile import (
    DeletionReason,
    HomeAddress,
    JobInterestRemoved,
    JobInterestSaved,
    ProfileCorrected,
    ProfileKind,
    ProfileRegistered,
)

from chassis import outbox

AT = datetime(2026, 1, 2, 8, tzinfo=UTC)
PROFILE_ONLY = frozenset({Category.USER_INFORMATION})
EVERYTHING = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE})


@dataclass
class Person:
    """A job seeker, and the events about them."""

    name: str = "Kari Skogheim Nordmann"
    email: str = "kari.skogheim@post.example"
    phone: str = "+47 912 34 567"
    street: str = "Solbakken 14"
    subject_id: SubjectId = field(default_factory=lambda: SubjectId(uuid4()))
    interest_id: UUID = field(default_factory=uuid4)

    def registered(self) -> ProfileRegistered:
        return ProfileRegistered(
            subject_id=self.subject_id,
            kind=ProfileKind.JOB_SEEKER,
            registered_at=AT,
            name=Personal(self.name),
            email=Personal(self.email),
            phone=Personal(self.phone),
            home_address=Personal(HomeAddress(street=self.street)),
            date_of_birth=Personal(AT.date()),
        )

    def corrected(self, *, email: str) -> ProfileCorrected:
        return ProfileCorrected(
            subject_id=self.subject_id,
            corrected_at=AT,
            name=Personal(self.name),
            email=Personal(email),
            phone=Personal(self.phone),
            home_address=Personal(None),
            date_of_birth=Personal(None),
        )

    def wants(self, occupation: str = "Sykepleier", place: str | None = "Bodø") -> JobInterestSaved:
        return JobInterestSaved(
            subject_id=self.subject_id,
            interest_id=self.interest_id,
            saved_at=AT,
            occupation=Personal(occupation),
            place=Personal(place),
        )

    def wants_no_more(self) -> JobInterestRemoved:
        return JobInterestRemoved(subject_id=self.subject_id, interest_id=self.interest_id, removed_at=AT)

    def asks_for_deletion(self) -> DeletionRequested:
        return DeletionRequested(
            subject_id=self.subject_id, reason=DeletionReason.REQUESTED, requested_at=AT, final_at=AT
        )

    def to_be_erased(self, categories: frozenset[Category] = EVERYTHING) -> ErasureRequested:
        return ErasureRequested(
            subject_id=self.subject_id,
            erasure_id=uuid4(),
            nonce="a-nonce",
            reason=DeletionReason.REQUESTED,
            categories=categories,
            requested_at=AT,
            due_at=AT + timedelta(days=30),
        )


def position(
    *, occupation: str = "sykepleier", place: str = "BODØ", expires_at: datetime | None = None
) -> PositionPublished:
    return PositionPublished(
        position_id=uuid4(),
        employer_id=uuid4(),
        employer_name="Fjell sykehus",
        title="Sykepleier, natt",
        occupation=occupation,
        place=place,
        published_at=AT,
        expires_at=expires_at,
    )


def closed(published: PositionPublished) -> PositionClosed:
    return PositionClosed(position_id=published.position_id, reason=ClosingReason.FILLED, closed_at=AT)


async def say(service: Service, *events: Event) -> None:
    """Let these events happen, one after another."""
    for event in events:
        await deliver(service, event.topic, [event])


async def say_again(service: Service, event: Event, times: int) -> None:
    """One event, as its publisher sent it, delivered this often."""
    sealed = seal_event(surroundings(service).keyring, event, clock=service.clock)
    for _ in range(times):
        await deliver_sealed(service, [sealed])


async def known(service: Service, *people: Person) -> None:
    """Give these people keys, register them, and save their interest."""
    for person in people:
        await service.keys.make(person.subject_id, EVERYTHING)
        await say(service, person.registered(), person.wants())


async def do_work(service: Service, *kinds: str) -> None:
    """Do what is due of these kinds now, one kind after another."""
    for kind in kinds:
        [declared] = [declared for declared in service.work_kinds if declared.kind == kind]
        loop = WorkLoop(
            declared,
            database=service.database,
            wake=asyncio.Event(),
            metrics=service.metrics,
            loop=Health().loop(kind, timedelta(minutes=1)),
        )
        round_ = asyncio.create_task(loop.run())
        await asyncio.sleep(0)
        loop.stop()
        await round_


async def waiting(service: Service, kind: str) -> int:
    """How many items of this kind wait."""
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM work WHERE kind = $1", kind))


async def states(service: Service) -> list[tuple[str, int | None]]:
    """State and SMTP code of every mail in the log."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT state, smtp_code FROM mails ORDER BY mail_id")
    return [(row["state"], row["smtp_code"]) for row in rows]


async def published(service: Service) -> list[str]:
    """The types of the events that wait to be sent."""
    async with borrow(service.database.pool) as connection:
        rows = await outbox.due(connection, 1_000)
    return [dict(row.headers)["ce_type"].decode() for row in rows]


async def count(service: Service, table: str) -> int:
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def everything_stored(service: Service) -> str:
    """Every row of every table as text, bytes in hexadecimal."""
    async with borrow(service.database.pool) as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        texts: list[str] = []
        for table in tables:
            rows = await connection.fetch(f"SELECT t::text AS row FROM {table['tablename']} t")
            texts.extend(row["row"] for row in rows)
    return "\n".join(texts)


def stands_in(text: str, value: str) -> bool:
    """Whether a value can be read in stored rows, plainly or in the bytes of a column."""
    return value.casefold() in text.casefold() or value.encode().hex() in text
