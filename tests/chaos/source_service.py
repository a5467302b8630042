"""The rig's first service: a command over HTTP writes a numbered row under the person's lock and publishes it.

It speaks as `profile`, because purposes and topics are registered for services by name.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from chassis.clock import SystemClock, new_id
from chassis.holders import Holder
from chassis.idempotency import Answer, IdempotencyKey, idempotency_key, once
from chassis.migrations import MigrationSource
from chassis.personal_tables import PersonalTable
from chassis.process import run
from chassis.reactions import Received
from chassis.service import Service
from chassis.transaction import Transaction
from contracts.communication import MessageSent
from contracts.personal import Category, Personal, SubjectId, UserInformation
from contracts.privacy import ErasureRequested
from contracts.profile import JobInterestRemoved, JobInterestSaved
from contracts.purposes import PurposeId
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from tests.chaos.facts import UNSEALED_EVERY, Details, id_of, occupation_of, sequence_of
from tests.chaos.settings import RigServiceSettings
from tests.chaos.stepped_clock import SteppedClock

NAME: Final = "profile"
CATEGORIES: Final = (Category.USER_INFORMATION, Category.COMMUNICATION)
MIGRATIONS: Final = MigrationSource("chaos source", Path(__file__).parent / "source_migrations")
HOLDER: Final = Holder(
    NAME,
    tables=(
        PersonalTable(
            "facts",
            category=Category.USER_INFORMATION,
            owner="subject_id",
            rule="as long as the round",
            sealed=("details",),
            other=("fact_id", "sequence", "attempt", "accepted_at"),
        ),
        PersonalTable(
            "echoes",
            category=Category.COMMUNICATION,
            owner="subject_id",
            rule="as long as the round",
            other=("arrival", "sequence", "event_id"),
        ),
    ),
)


class Command(BaseModel):
    """`attempt` is the client's name for what it wants once, however often it asks."""

    model_config = ConfigDict(extra="forbid")

    attempt: UUID


class Accepted(BaseModel):
    sequence: int


async def accept(subject: SubjectId, attempt: UUID, tx: Transaction) -> int:
    """Write the person's next fact and tell of it; the answer is its number."""
    last = await tx.fetchval("SELECT coalesce(max(sequence), 0) FROM facts WHERE subject_id = $1", subject)
    sequence, fact_id = int(last) + 1, new_id(tx.clock)
    occupation = Personal[str, UserInformation](occupation_of(sequence))
    await tx.execute(
        "INSERT INTO facts (fact_id, subject_id, sequence, attempt, details, accepted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        fact_id,
        subject,
        sequence,
        attempt,
        tx.seal(Details(occupation=occupation), subject=subject, record_id=fact_id, schema="facts"),
        SystemClock().now(),  # for the report: the true time, whatever the service's clock believes
    )
    if sequence % UNSEALED_EVERY == 0:
        tx.publish(JobInterestRemoved(subject_id=subject, interest_id=id_of(sequence), removed_at=tx.now()))
    else:
        place = Personal[str | None, UserInformation](None)
        tx.publish(
            JobInterestSaved(
                subject_id=subject,
                interest_id=id_of(sequence),
                saved_at=tx.now(),
                occupation=occupation,
                place=place,
            )
        )
    return sequence


async def on_echoes(events: Sequence[Received[MessageSent]], tx: Transaction) -> None:
    """Write down what came back."""
    await tx.execute(
        "INSERT INTO echoes (subject_id, sequence, event_id)"
        " SELECT s, n, e FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS echo(s, n, e)",
        [received.event.subject_id for received in events],
        [sequence_of(received.event.message_id) for received in events],
        [received.envelope.id for received in events],
    )


async def on_erasure_requested(event: ErasureRequested, tx: Transaction) -> None:
    await HOLDER.erase(event, tx)


def routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.put("/people/{subject_id}", status_code=204)
    async def make_keys(subject_id: UUID) -> None:
        await service.keys.make(SubjectId(subject_id), CATEGORIES)

    @router.post("/people/{subject_id}/facts", status_code=201, response_model=Accepted)
    async def add_fact(
        subject_id: UUID, command: Command, key: Annotated[IdempotencyKey | None, Depends(idempotency_key)]
    ) -> Response:
        subject = SubjectId(subject_id)
        async with service.database.transaction(about=[subject]) as tx:

            async def make() -> Answer:
                sequence = await accept(subject, command.attempt, tx)
                return Answer(201, Accepted(sequence=sequence), subject_id=subject)

            return await once(tx, key, make)

    return router


def build(settings: RigServiceSettings) -> Service:
    service = Service(
        NAME,
        settings,
        holder=HOLDER,
        key_categories=frozenset(CATEGORIES),
        migrations=MIGRATIONS,
        clock=SteppedClock(settings.clock_file),
    )
    service.store_batch(MessageSent, on_echoes, purpose=PurposeId.P8)
    service.protocol(ErasureRequested, on_erasure_requested)
    service.routes(routes)
    return service


if __name__ == "__main__":
    run(build, RigServiceSettings)
