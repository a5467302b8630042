"""One trace tells an event's whole journey, and nothing of the person."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx
import pytest
from chassis.holders import Holder
from chassis.kafka_topics import ensure_topics
from chassis.migrations import MigrationSource
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.telemetry import Kind
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service, running
from chassis.transaction import Transaction
from contracts.personal import Category, SubjectId
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId
from fastapi import APIRouter

from chassis import tls
from tests.integration import writer
from tests.integration.town import PARTITIONS, eventually
from tests.integration.trace_receiver import TraceReceiver, receiving_traces

CANARY: Final = "Kanarifugl 7f3a91"
ON_THE_WIRE: Final = {Kind.SERVER: 2, Kind.PRODUCER: 4, Kind.CONSUMER: 5}
"""OTLP numbers the kinds of spans otherwise than the SDK does."""


async def on_job_interest_saved(event: JobInterestSaved, tx: Transaction) -> None:
    tx.enqueue("looked_at", str(event.interest_id), subject=event.subject_id)


def build(settings: ServiceSettings) -> Service:
    service = Service(
        "profile",
        settings,
        holder=Holder("profile"),
        key_categories=frozenset({Category.USER_INFORMATION}),
        migrations=MigrationSource("integration writer", Path(__file__).parent / "writer_migrations"),
    )
    service.store(JobInterestSaved, on_job_interest_saved, purpose=PurposeId.P1)
    service.routes(routes)
    return service


def routes(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post("/people/{subject}/interests", status_code=204)
    async def save(subject: UUID) -> None:
        person = SubjectId(subject)
        async with service.database.transaction([person]) as tx:
            tx.publish(writer.saved(person, 1, CANARY))

    return router


@pytest.fixture(name="receiver")
def trace_receiver(tmp_path: Path) -> Iterator[TraceReceiver]:
    with receiving_traces(tmp_path / "traces") as receiver:
        yield receiver


async def test_one_trace_spans_request_outbox_broker_and_reaction_and_tells_nothing_of_the_person(
    kafka: Kafka, postgres: Postgres, topic_prefix: str, receiver: TraceReceiver
) -> None:
    await ensure_topics(kafka.bootstrap, partitions=PARTITIONS, prefix=topic_prefix)
    async with KeyringServer() as keyring:
        person = SubjectId(UUID(int=7))
        keyring.make(person, [Category.USER_INFORMATION])
        async with (
            open_service(
                build,
                ServiceSettings,
                postgres,
                keyring,
                kafka=kafka,
                topic_prefix=topic_prefix,
                otlp_endpoint=receiver.url,
                trace_ratio=1.0,
            ) as service,
            running(service),
        ):
            base = f"http://127.0.0.1:{service.settings.http_port}"
            async with httpx.AsyncClient(base_url=base, verify=tls.trusted()) as client:
                answer = await client.post(f"/people/{person}/interests")
            assert answer.status_code == 204, answer.text

            await eventually("the reaction", lambda: _metrics(base), lambda seen: b"on_job_interest_saved" in seen)
        # the process has ended, and sent what it still had
        spans = [span for span in receiver.spans if span.name == "on_job_interest_saved"]
        assert len(spans) == 1
        journey = {span.kind: span.name for span in receiver.spans if span.trace == spans[0].trace}
        assert journey == {
            ON_THE_WIRE[Kind.SERVER]: "POST /people/{subject}/interests",
            ON_THE_WIRE[Kind.PRODUCER]: f"send {topic_prefix}profile.v1",
            ON_THE_WIRE[Kind.CONSUMER]: "on_job_interest_saved",
        }
        assert CANARY.encode() not in receiver.raw
        assert str(person).encode() not in receiver.raw


async def _metrics(base: str) -> bytes:
    async with httpx.AsyncClient(base_url=base, verify=tls.trusted()) as client:
        return (await client.get("/metrics")).content
