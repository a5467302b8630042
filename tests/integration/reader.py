"""A service that writes down what arrives. It speaks as `notifications`: purposes are registered by service name."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from chassis.holders import Holder
from chassis.migrations import MigrationSource
from chassis.personal_tables import PersonalTable
from chassis.reactions import Mode, Received
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from contracts.communication import MessageKind, MessageSent
from contracts.personal import Category, Personal, SubjectId
from contracts.position import PositionPublished
from contracts.privacy import ErasureRequested
from contracts.profile import JobInterestRemoved, JobInterestSaved, ProfileCorrected
from contracts.purposes import PurposeId

from tests.integration.writer import CATEGORIES, Details, number_as_id

NAME: Final = "notifications"
TOLD: Final = "tell"
POISON: Final = "poison"
"""How an occupation begins whose reaction fails."""
HOLDER: Final = Holder(
    NAME,
    tables=(
        PersonalTable(
            "arrivals",
            category=Category.USER_INFORMATION,
            owner="key",
            rule="as long as the test",
            sealed=("details",),
            other=("arrival", "event_id", "event_type", "number"),
        ),
        PersonalTable(
            "done",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="as long as the test",
            other=("id", "number"),
        ),
    ),
    impersonal={"adverts": "about no person"},
    work_kinds={TOLD: Category.USER_INFORMATION},
)


class Poisoned(Exception):
    """What a reaction raises on poison; its text quotes personal data, as exceptions do."""


@dataclass
class Reader:
    """How the reader behaves in one test; one of these may be shared by several processes."""

    cured: bool = False
    """Whether poison does no harm any more."""
    tells: bool = False
    """Whether each saved interest is answered with an event and a piece of work."""
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a reaction has begun."""
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    """What reactions wait for, in mid-transaction, while `waits` is set."""
    waits: bool = False
    runs: int = 0
    """How often any reaction began, whether or not it was committed."""
    on_run: Callable[[], None] | None = None
    """Called in the middle of each reaction; may raise."""

    def build(self, settings: ServiceSettings) -> Service:
        migrations = MigrationSource("integration reader", Path(__file__).parent / "reader_migrations")
        service = Service(NAME, settings, holder=HOLDER, key_categories=CATEGORIES, migrations=migrations)
        service.store(JobInterestSaved, self.on_saved, purpose=PurposeId.P4)
        service.store_batch(JobInterestRemoved, self.on_removed, purpose=PurposeId.P4)
        service.use(ProfileCorrected, self.on_corrected, purpose=PurposeId.P4)
        service.store(PositionPublished, self.on_advert, purpose=PurposeId.P4)
        service.protocol(ErasureRequested, HOLDER.erase)
        service.step(TOLD, self.tell, mode=Mode.USE, purpose=PurposeId.P4, category=Category.USER_INFORMATION)
        return service

    async def on_saved(self, event: JobInterestSaved, tx: Transaction) -> None:
        await self._begin()
        occupation = event.occupation.reveal()
        event_id = tx.cause.event_id
        assert event_id is not None, "a reaction always has a cause"
        number = event.interest_id.int
        await _arrived(tx, event_id, event.type, event.subject_id, number, Details(occupation=event.occupation))
        if self.tells:
            tx.publish(_message(event.subject_id, number, tx))
            tx.enqueue(TOLD, f"{event.subject_id}/{number}", subject=event.subject_id)
        if isinstance(occupation, str) and occupation.startswith(POISON) and not self.cured:
            raise Poisoned(f"{occupation} of {event.subject_id}")

    async def on_removed(self, events: Sequence[Received[JobInterestRemoved]], tx: Transaction) -> None:
        await self._begin()
        for received in events:
            event = received.event
            number = event.interest_id.int
            await _arrived(tx, received.envelope.id, event.type, event.subject_id, number, None)
            if self.tells:
                tx.publish(_message(event.subject_id, number, tx), received.cause)

    async def on_corrected(self, event: ProfileCorrected, tx: Transaction) -> None:
        await self._begin()
        event_id = tx.cause.event_id
        assert event_id is not None, "a reaction always has a cause"
        await _arrived(tx, event_id, event.type, event.subject_id, 0, None)

    async def on_advert(self, event: PositionPublished, tx: Transaction) -> None:
        await self._begin()
        await tx.execute(
            "INSERT INTO adverts (position_id, title) VALUES ($1, $2)",
            event.position_id,
            event.title,
        )

    async def tell(self, item: WorkItem, tx: Transaction) -> None:
        subject, _, number = item.key.partition("/")
        await tx.execute("INSERT INTO done (subject_id, number) VALUES ($1, $2)", UUID(subject), int(number))

    async def _begin(self) -> None:
        self.runs += 1
        self.entered.set()
        if self.waits:
            await self.go_on.wait()
        if self.on_run is not None:
            self.on_run()


def _message(subject: SubjectId, number: int, tx: Transaction) -> MessageSent:
    return MessageSent(
        subject_id=subject,
        message_id=number_as_id(number),
        kind=MessageKind.JOB_ALERT,
        sent_at=tx.now(),
        position_id=Personal(None),
    )


async def _arrived(
    tx: Transaction, event_id: UUID, event_type: str, subject: SubjectId, number: int, details: Details | None
) -> None:
    sealed = None
    if details is not None and not details.occupation.erased:
        sealed = tx.seal(details, subject=subject, record_id=event_id, schema="arrivals")
    await tx.execute(
        "INSERT INTO arrivals (event_id, event_type, key, number, details) VALUES ($1, $2, $3, $4, $5)",
        event_id,
        event_type,
        subject,
        number,
        sealed,
    )


async def arrivals(service: Service, subject: SubjectId) -> list[int]:
    """The numbers that arrived for this person, in the order in which they did."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT number FROM arrivals WHERE key = $1 ORDER BY arrival", subject)
    return [row["number"] for row in rows]


async def adverts(service: Service) -> list[str]:
    """The titles that arrived, in the order in which they did."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT title FROM adverts ORDER BY id")
    return [row["title"] for row in rows]


async def done(service: Service, subject: SubjectId) -> list[int]:
    """The numbers whose work was done for this person, sorted."""
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT number FROM done WHERE subject_id = $1 ORDER BY number", subject)
    return [row["number"] for row in rows]
