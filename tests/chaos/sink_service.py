"""The rig's second service: writes down what arrives in the order in which it does, and works on some of it.

It speaks as `notifications`, because purposes and topics are registered for services by name.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from chassis.clock import SystemClock
from chassis.holders import Holder
from chassis.migrations import MigrationSource
from chassis.personal_tables import PersonalTable
from chassis.process import run
from chassis.reactions import Mode, Received
from chassis.records import Cause
from chassis.service import Service
from chassis.sql import Connection
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import cause_of, finish
from contracts.communication import MessageKind, MessageSent
from contracts.personal import Category, Communication, Personal, SubjectId, UserInformation
from contracts.privacy import ErasureRequested
from contracts.profile import JobInterestRemoved, JobInterestSaved
from contracts.purposes import PurposeId

from tests.chaos.facts import (
    ECHO,
    ECHO_EVERY,
    ERRAND,
    ERRAND_EVERY,
    REPLY_BASE,
    REPLY_EVERY,
    Details,
    Poisoned,
    id_of,
    is_poison,
    occupation_of,
    sequence_of,
)
from tests.chaos.settings import RigServiceSettings
from tests.chaos.stepped_clock import SteppedClock

NAME: Final = "notifications"
CATEGORIES: Final = (Category.USER_INFORMATION, Category.COMMUNICATION)
MIGRATIONS: Final = MigrationSource("chaos sink", Path(__file__).parent / "sink_migrations")
HOLDER: Final = Holder(
    NAME,
    tables=(
        PersonalTable(
            "arrivals",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="as long as the round",
            sealed=("details",),
            other=("arrival", "sequence", "event_id", "readable", "worker", "arrived_at"),
        ),
        PersonalTable(
            "done",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="as long as the round",
            other=("id", "kind", "sequence"),
        ),
    ),
    work_kinds={ERRAND: Category.USER_INFORMATION, ECHO: Category.USER_INFORMATION},
)
_ERRAND_SECONDS: Final = 0.02


class Sink:
    """The service's reactions and work; `worker` is this process's HTTP port."""

    def __init__(self, service: Service, cure: Path) -> None:
        self._service = service
        self._cure = cure
        self._worker = service.settings.http_port

    async def on_saved(self, event: JobInterestSaved, tx: Transaction) -> None:
        """One by one: what carries a sealed field."""
        sequence = sequence_of(event.interest_id)
        event_id = tx.cause.event_id
        assert event_id is not None, "a reaction always has a cause"
        readable = event.occupation.reveal() == occupation_of(sequence)
        await self._arrived(tx, event.subject_id, sequence, event_id, event.occupation, tx.cause, readable=readable)

    async def on_removed(self, events: Sequence[Received[JobInterestRemoved]], tx: Transaction) -> None:
        """Batches: what carries none."""
        for received in events:
            sequence = sequence_of(received.event.interest_id)
            nothing, subject = Personal[str, UserInformation](""), received.event.subject_id
            await self._arrived(tx, subject, sequence, received.envelope.id, nothing, received.cause, readable=True)

    async def _arrived(
        self,
        tx: Transaction,
        subject: SubjectId,
        sequence: int,
        event_id: UUID,
        occupation: Personal[str, UserInformation],
        cause: Cause,
        *,
        readable: bool,
    ) -> None:
        await tx.execute(
            "INSERT INTO arrivals (subject_id, sequence, event_id, readable, details, worker, arrived_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            subject,
            sequence,
            event_id,
            readable,
            tx.seal(Details(occupation=occupation), subject=subject, record_id=event_id, schema="arrivals"),
            self._worker,
            SystemClock().now(),  # for the report: the true time, whatever the service's clock believes
        )
        if is_poison(subject, sequence) and not self._cure.exists():
            raise Poisoned
        if sequence % REPLY_EVERY == 0:
            tx.publish(_message(subject, REPLY_BASE + sequence, tx), cause)
        for kind, every in ((ERRAND, ERRAND_EVERY), (ECHO, ECHO_EVERY)):
            if sequence % every == 0:
                tx.enqueue(kind, f"{subject}/{sequence}", subject=subject)

    async def errand(self, item: WorkItem) -> None:
        """Outside any transaction first, as a mail would be; then what it did is written with the item's end."""
        subject, sequence = _what(item)
        await asyncio.sleep(_ERRAND_SECONDS)
        async with self._service.database.transaction(about=[subject], cause=cause_of(item)) as tx:
            await finish(item, tx)
            await _done(tx.connection, ERRAND, subject, sequence)

    async def echo(self, item: WorkItem, tx: Transaction) -> None:
        """Tell the source."""
        subject, sequence = _what(item)
        await _done(tx.connection, ECHO, subject, sequence)
        tx.publish(_message(subject, sequence, tx))


def _message(subject: SubjectId, number: int, tx: Transaction) -> MessageSent:
    return MessageSent(
        subject_id=subject,
        message_id=id_of(number),
        kind=MessageKind.JOB_ALERT,
        sent_at=tx.now(),
        position_id=Personal[UUID | None, Communication](None),
    )


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)


async def _done(connection: Connection, kind: str, subject: SubjectId, sequence: int) -> None:
    await connection.execute(
        "INSERT INTO done (kind, subject_id, sequence) VALUES ($1, $2, $3)", kind, subject, sequence
    )


def _what(item: WorkItem) -> tuple[SubjectId, int]:
    subject, _, sequence = item.key.partition("/")
    return SubjectId(UUID(subject)), int(sequence)


def build(settings: RigServiceSettings) -> Service:
    service = Service(
        NAME,
        settings,
        holder=HOLDER,
        key_categories=frozenset(CATEGORIES),
        migrations=MIGRATIONS,
        clock=SteppedClock(settings.clock_file),
    )
    sink = Sink(service, settings.cure_file)
    service.store(JobInterestSaved, sink.on_saved, purpose=PurposeId.P4)
    service.store_batch(JobInterestRemoved, sink.on_removed, purpose=PurposeId.P4)
    service.protocol(ErasureRequested, on_erasure_requested)
    category, purpose = Category.USER_INFORMATION, PurposeId.P4
    service.errand(ERRAND, sink.errand, mode=Mode.STORE, purpose=purpose, category=category)
    service.step(ECHO, sink.echo, mode=Mode.STORE, purpose=purpose, category=category)
    return service


if __name__ == "__main__":
    run(build, RigServiceSettings)
