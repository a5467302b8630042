"""A service that says numbered things about people. It speaks as `profile`: topics are registered by service name."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from chassis.clock import new_id
from chassis.database import Database
from chassis.holders import Holder
from chassis.migrations import MigrationSource
from chassis.personal_tables import PersonalTable
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.transaction import Transaction
from contracts.event import Event
from contracts.personal import Category, Personal, PersonalRecord, SubjectId, UserInformation
from contracts.position import PositionPublished
from contracts.privacy import DeletionCancelled, DeletionRequested, ErasureRequested
from contracts.profile import DeletionReason, JobInterestRemoved, JobInterestSaved, ProfileCorrected
from contracts.purposes import PurposeId

NAME: Final = "profile"
AT: Final = datetime(2026, 1, 2, 8, tzinfo=UTC)
CATEGORIES: Final = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})
HOLDER: Final = Holder(
    NAME,
    tables=(
        PersonalTable(
            "said",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="as long as the test",
            sealed=("details",),
            other=("said_id", "number"),
        ),
    ),
)


class Details(PersonalRecord):
    """The sealed column of what was said."""

    occupation: Personal[str, UserInformation]


def build(settings: ServiceSettings) -> Service:
    migrations = MigrationSource("integration writer", Path(__file__).parent / "writer_migrations")
    service = Service(NAME, settings, holder=HOLDER, key_categories=CATEGORIES, migrations=migrations)
    service.protocol(ErasureRequested, HOLDER.erase)
    service.puts_back(JobInterestSaved, said_before, purpose=PurposeId.P1)
    return service


async def said_before(event: JobInterestSaved, tx: Transaction) -> None:
    """What a restored database forgot that was said."""
    subject, number = event.subject_id, event.interest_id.int
    if await tx.fetchval("SELECT count(*) FROM said WHERE subject_id = $1 AND number = $2", subject, number):
        return
    said_id = new_id(tx.clock)
    sealed = tx.seal(Details(occupation=event.occupation), subject=subject, record_id=said_id, schema="said")
    await tx.execute(
        "INSERT INTO said (said_id, subject_id, number, details) VALUES ($1, $2, $3, $4)",
        said_id,
        subject,
        number,
        sealed,
    )


def number_as_id(number: int) -> UUID:
    return UUID(int=number)


def saved(subject: SubjectId, number: int, occupation: str = "sykepleier") -> JobInterestSaved:
    return JobInterestSaved(
        subject_id=subject,
        interest_id=number_as_id(number),
        saved_at=AT,
        occupation=Personal(occupation),
        place=Personal(None),
    )


def removed(subject: SubjectId, number: int) -> JobInterestRemoved:
    return JobInterestRemoved(subject_id=subject, interest_id=number_as_id(number), removed_at=AT)


def corrected(subject: SubjectId, name: str = "Kari Skogheim") -> ProfileCorrected:
    return ProfileCorrected(
        subject_id=subject,
        corrected_at=AT,
        name=Personal(name),
        email=Personal("kari.skogheim@post.example"),
        phone=Personal(None),
        home_address=Personal(None),
        date_of_birth=Personal(None),
    )


def advert(position: UUID, title: str = "Sykepleier") -> PositionPublished:
    return PositionPublished(
        position_id=position,
        employer_id=position,
        employer_name="Fjell sykehus",
        title=title,
        occupation="sykepleier",
        place="Bodø",
        published_at=AT,
    )


def deletion(subject: SubjectId) -> DeletionRequested:
    return DeletionRequested(subject_id=subject, reason=DeletionReason.REQUESTED, requested_at=AT, final_at=AT)


def cancellation(subject: SubjectId) -> DeletionCancelled:
    return DeletionCancelled(subject_id=subject, cancelled_at=AT)


def erasure(subject: SubjectId, categories: frozenset[Category] = CATEGORIES) -> ErasureRequested:
    return ErasureRequested(
        subject_id=subject,
        erasure_id=subject,
        nonce="a nonce",
        reason=DeletionReason.REQUESTED,
        categories=categories,
        requested_at=AT,
        due_at=AT,
    )


async def say_in(tx: Transaction, subject: SubjectId, occupation: str = "sykepleier") -> int:
    """The person's next number, written and published in this transaction."""
    number = 1 + int(await tx.fetchval("SELECT coalesce(max(number), 0) FROM said WHERE subject_id = $1", subject))
    said_id = new_id(tx.clock)
    await tx.execute(
        "INSERT INTO said (said_id, subject_id, number, details) VALUES ($1, $2, $3, $4)",
        said_id,
        subject,
        number,
        tx.seal(Details(occupation=Personal(occupation)), subject=subject, record_id=said_id, schema="said"),
    )
    tx.publish(saved(subject, number, occupation))
    return number


async def say(database: Database, subject: SubjectId, occupation: str = "sykepleier") -> int:
    """A command: the person's next number, committed and to be sent."""
    async with database.transaction([subject]) as tx:
        return await say_in(tx, subject, occupation)


async def publish(database: Database, *events: Event) -> None:
    """Publish these in one transaction."""
    async with database.transaction({subject for event in events for subject in event.subjects()}) as tx:
        for event in events:
            tx.publish(event)
