"""What the tests need to publish records as any service would, hostile ones too, and to look at what is stored."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from chassis.clock import SystemClock, new_id
from chassis.keys import LOG_KEY, KeyName, KeySet
from chassis.outbox import OutgoingEvent
from chassis.records import Cause, Record, encode
from chassis.service import Service
from chassis.sql import borrow
from contracts.event import Event
from contracts.personal import Category, Personal, SubjectId
from contracts.position import PositionPublished
from contracts.privacy import ErasureRequested
from contracts.profile import DeletionReason, JobInterestSaved, ProfileCorrected
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AT = datetime(2026, 1, 2, 8, 17, 33, tzinfo=UTC)
NAME = "Kari Skogheim Nordmann"
EMAIL = "kari.skogheim@post.example"
PROFILE_ONLY = frozenset({Category.USER_INFORMATION})
EVERYTHING = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION, Category.WEBSITE_USAGE})


class Publisher:
    """Seals and sends like any service, with keys that the log never sees; its records stand on partition 0."""

    def __init__(self) -> None:
        self._keys: dict[KeyName, AESGCM] = {}
        self._offsets = count()

    def sealed(self, event: Event) -> OutgoingEvent:
        """The event as it is sent."""
        names = [LOG_KEY, *(KeyName(subject, category) for subject in event.subjects() for category in Category)]
        for name in names:
            self._keys.setdefault(name, AESGCM(os.urandom(32)))
        event_id = new_id(SystemClock())
        return encode(event, KeySet(self._keys), Cause(event_id), event_id=event_id, source="profile", at=AT, prefix="")

    def record(self, event: Event) -> Record:
        """The event as a record of its own."""
        return self.as_record(self.sealed(event))

    def as_record(self, sent: OutgoingEvent) -> Record:
        return Record(sent.topic, 0, next(self._offsets), sent.key.encode(), sent.headers, sent.body)


def with_header(record: Record, name: str, value: bytes | None) -> Record:
    """The record with a header replaced, or left out."""
    kept = [header for header in record.headers if header[0] != name]
    return record._replace(headers=kept if value is None else [*kept, (name, value)])


async def take_in(service: Service, records: Sequence[Record]) -> None:
    """Let the service take these records of one topic in, as one batch."""
    await service.runner.run(records[0].topic, records, [])


def corrected(subject: SubjectId) -> ProfileCorrected:
    return ProfileCorrected(
        subject_id=subject,
        corrected_at=AT,
        name=Personal(NAME),
        email=Personal(EMAIL),
        phone=Personal("+47 912 34 567"),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


def interest(subject: SubjectId) -> JobInterestSaved:
    return JobInterestSaved(
        subject_id=subject,
        interest_id=uuid4(),
        saved_at=AT,
        occupation=Personal("torskefisker"),
        place=Personal("Henningsvær"),
    )


def position() -> PositionPublished:
    return PositionPublished(
        position_id=uuid4(),
        employer_id=uuid4(),
        employer_name="Fjell sykehus",
        title="Sykepleier",
        occupation="sykepleier",
        place="Bodø",
        published_at=AT,
    )


def to_be_erased(subject: SubjectId, categories: frozenset[Category] = PROFILE_ONLY) -> ErasureRequested:
    return ErasureRequested(
        subject_id=subject,
        erasure_id=uuid4(),
        nonce="a-nonce",
        reason=DeletionReason.TERMINATED,
        categories=categories,
        requested_at=AT,
        due_at=AT + timedelta(days=30),
    )


def somebody() -> SubjectId:
    return SubjectId(uuid4())


async def logged(service: Service) -> list[tuple[str, int]]:
    """Type and offset of every entry, in the order of the log."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT type, record_offset FROM entries ORDER BY position")
    return [(row["type"], row["record_offset"]) for row in rows]


async def kept(service: Service) -> list[tuple[UUID | None, str | None]]:
    """Subject and category of every content, in the order of the log."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT subject_id, category FROM contents ORDER BY position")
    return [(row["subject_id"], row["category"]) for row in rows]


async def rows_of(service: Service, table: str) -> list[str]:
    """Every row as text, bytes in hexadecimal."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch(f"SELECT t::text AS row FROM {table} t")
    return [row["row"] for row in rows]
