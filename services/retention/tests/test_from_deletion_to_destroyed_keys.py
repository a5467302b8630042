"""The real process, on a real broker: a deletion on a topic becomes destroyed keys, known to all, with nobody's help."""

import asyncio
import json
from pathlib import Path
from typing import cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from chassis.clock import SystemClock
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service, running, seal_event
from contracts.communication import LastMailEnded, LastMailOutcome
from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.privacy import SubjectErased
from contracts.profile import DeletionReason, ProfileDeleted
from contracts.receipts import LastMailRequested
from contracts.topics import TOPICS
from retention_service.app import build
from retention_service.settings import RetentionSettings

from .rig import new_subject


async def test_a_deletion_becomes_destroyed_keys_and_is_told(
    postgres: Postgres, kafka: Kafka, topic_prefix: str, keyring: KeyringServer, tmp_path: Path
) -> None:
    subject, clock = new_subject(), SystemClock()
    keyring.make(subject, list(Category))
    await kafka.create_topics([topic_prefix + name for name in TOPICS])
    deleted = ProfileDeleted(subject_id=subject, reason=DeletionReason.TERMINATED, deleted_at=clock.now())
    async with (
        open_service(
            build,
            RetentionSettings,
            postgres,
            keyring,
            kafka=kafka,
            topic_prefix=topic_prefix,
            kek_dir=tmp_path / "keks",
            required_holders="retention",
            fence_interval_seconds=1,
            public_url="https://retention.example",
        ) as service,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
        running(service),
    ):
        for _ in range(2):  # its publisher's relay was not sure, and said it twice
            sent = seal_event(keyring, deleted, clock=clock, prefix=topic_prefix)
            await producer.send_and_wait(sent.topic, sent.body, sent.key.encode(), headers=sent.headers)
        async with asyncio.timeout(90):
            asked = await _next(kafka, topic_prefix, subject, LastMailRequested)
            ended = LastMailEnded(
                subject_id=subject,
                erasure_id=json.loads(asked)["erasure_id"],
                outcome=LastMailOutcome.SENT,
                ended_at=clock.now(),
            )
            sent = seal_event(keyring, ended, clock=clock, prefix=topic_prefix)
            await producer.send_and_wait(sent.topic, sent.body, sent.key.encode(), headers=sent.headers)
            told = SubjectErased.model_validate_json(await _next(kafka, topic_prefix, subject, SubjectErased))
        async with borrow(service.database.pool) as connection:
            stages = await connection.fetch("SELECT stage FROM erasures WHERE subject_id = $1", subject)
            living = await connection.fetch(
                "SELECT category FROM subject_keys WHERE subject_id = $1 AND wrapped IS NOT NULL", subject
            )
    assert [row["stage"] for row in stages] == ["done"]
    assert living == []
    assert told.categories == {Category.USER_INFORMATION}


async def _next(kafka: Kafka, prefix: str, subject: SubjectId, kind: type[Event]) -> bytes:
    """The body of the first event of this type about the person."""
    topic = prefix + kind.topic.name
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        while True:
            record = cast("ConsumerRecord[bytes, bytes]", await consumer.getone())
            if ("ce_type", kind.type.encode()) in record.headers and record.key == str(subject).encode():
                return record.value or b""
