"""The fence on a real broker: no key goes while any holder could still read something older about the person."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from chassis.errors import TRANSIENT
from chassis.kafka_topics import ensure_topics
from chassis.metrics import Metrics
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.work import WorkItem
from contracts.privacy import ConsumerGroup
from retention_service import erasures, fences
from retention_service.fence import FenceRound
from retention_service.measures import RetentionMeasures

from .rig import HOLDERS, Rig, running_api

READERS = {
    "audit-log": ("profile.v1", "erasure.v1"),
    "notifications": ("profile.v1", "position.v1"),
    "profile": ("erasure.v1",),
    "retention": ("profile.v1",),
}
ITEM = WorkItem(1, "fence", "fence", None, 1, uuid4(), None, uuid4(), None)


class Broker:
    """The topics of one test, and groups that read them as far as they are told."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.bootstrap = rig.settings.kafka_bootstrap
        self.prefix = rig.settings.topic_prefix
        self.round = FenceRound(rig.service, rig.settings, RetentionMeasures(Metrics()))

    def place(self, topic: str, partition: int) -> TopicPartition:
        return TopicPartition(self.prefix + topic, partition)

    def groups(self, holder: str) -> list[ConsumerGroup]:
        return [ConsumerGroup(group=f"{self.prefix}{holder}.{t}", topics=(self.prefix + t,)) for t in READERS[holder]]

    async def register_all(self, holders: tuple[str, ...] = HOLDERS) -> None:
        for holder in holders:
            await self.rig.register(holder, *self.groups(holder))

    async def write(self, topic: str, partition: int, records: int = 1) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await producer.start()
        for _ in range(records):
            await producer.send_and_wait(self.prefix + topic, b"{}", key=b"k", partition=partition)
        await producer.stop()

    async def commit(self, holder: str, topic: str, upto: Mapping[int, int]) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=f"{self.prefix}{holder}.{topic}", enable_auto_commit=False
        )
        await consumer.start()
        consumer.assign([self.place(topic, partition) for partition in upto])
        await consumer.commit({self.place(topic, partition): offset for partition, offset in upto.items()})
        await consumer.stop()

    async def forget(self, topic: str, partition: int, *, before: int) -> None:
        """As the broker does with what is older than its topic keeps."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.delete_records({self.place(topic, partition): RecordsToDelete(before_offset=before)})
        await admin.close()

    async def look(self) -> None:
        """One round, then what follows for whom it let pass, to the destroyed keys."""
        await self.round.run(ITEM)
        await self.rig.behind_the_fence()

    async def answered(self) -> UUID:
        """A new person whose holders have all answered."""
        subject = uuid4()
        await self.rig.make(subject)
        await self.rig.delete(subject)
        await self.rig.answer((await self.rig.requests())[-1])
        assert await self.rig.stage(subject) == "fencing"
        return subject

    async def fences_taken(self) -> int:
        async with borrow(self.rig.service.database.pool) as connection:
            return await connection.fetchval("SELECT count(*) FROM fences")


@asynccontextmanager
async def connected(postgres: Postgres, kafka: Kafka, prefix: str, folder: Path) -> AsyncGenerator[Broker]:
    await ensure_topics(kafka.bootstrap, partitions=3, prefix=prefix)
    more = {"kafka_bootstrap": kafka.bootstrap, "topic_prefix": prefix}
    async with running_api(postgres, folder, **more) as rig:
        yield Broker(rig)


@pytest_asyncio.fixture
async def broker(postgres: Postgres, kafka: Kafka, topic_prefix: str, tmp_path: Path) -> AsyncGenerator[Broker]:
    async with connected(postgres, kafka, topic_prefix, tmp_path) as made:
        yield made


async def test_a_lagging_partition_holds_the_erasure_and_lets_it_go_when_it_is_read(broker: Broker) -> None:
    await broker.register_all()
    await broker.write("profile.v1", partition=1, records=5)
    subject = await broker.answered()
    for holder in ("audit-log", "retention"):
        await broker.commit(holder, "profile.v1", {1: 5})
    await broker.look()
    assert await broker.rig.stage(subject) == "fencing"  # notifications has committed nothing, which counts as 0
    await broker.commit("notifications", "profile.v1", {1: 4})
    await broker.look()
    assert await broker.rig.stage(subject) == "fencing"
    assert await broker.rig.key("profile", subject, "user_information") is not None
    await broker.commit("notifications", "profile.v1", {1: 5})
    await broker.look()
    assert await broker.rig.stage(subject) == "done"
    assert await broker.rig.key("profile", subject, "user_information") is None
    (erasure,) = await broker.rig.erasures_of(subject)
    assert None not in (erasure["answered_at"], erasure["fenced_at"], erasure["done_at"])


async def test_what_is_written_after_the_fence_does_not_hold_it(broker: Broker) -> None:
    await broker.register_all()
    await broker.write("profile.v1", partition=0)
    subject = await broker.answered()
    await broker.round.run(ITEM)
    await broker.write("profile.v1", partition=0, records=20)
    for holder in ("audit-log", "notifications", "retention"):
        await broker.commit(holder, "profile.v1", {0: 1})
    await broker.look()
    assert await broker.rig.stage(subject) == "done"


async def test_records_that_are_gone_from_a_quiet_partition_hold_no_fence_for_who_came_later(broker: Broker) -> None:
    await broker.register_all()
    await broker.write("position.v1", partition=2, records=3)
    subject = await broker.answered()
    await broker.commit("notifications", "position.v1", {2: 0})
    await broker.look()
    assert await broker.rig.stage(subject) == "fencing"
    await broker.forget("position.v1", partition=2, before=2)
    broker.rig.clock.advance(timedelta(seconds=6))
    await broker.look()
    assert await broker.rig.stage(subject) == "fencing"  # one record is there to be read
    await broker.forget("position.v1", partition=2, before=3)
    broker.rig.clock.advance(timedelta(seconds=6))
    await broker.look()
    assert await broker.rig.stage(subject) == "done"


async def test_topics_in_which_nothing_was_ever_written_hold_nothing(broker: Broker) -> None:
    await broker.register_all()
    subject = await broker.answered()
    await broker.look()
    assert await broker.rig.stage(subject) == "done"


async def test_a_required_holder_that_never_registered_holds_the_fence(broker: Broker) -> None:
    await broker.register_all(("audit-log", "notifications", "profile"))
    subject = await broker.answered()
    await broker.look()
    assert await broker.rig.stage(subject) == "fencing"
    await broker.register_all(("retention",))
    await broker.look()
    assert await broker.rig.stage(subject) == "done"


async def test_erasures_that_wait_together_share_one_fence_and_the_interval_bounds_how_many_are_taken(
    broker: Broker,
) -> None:
    await broker.register_all()
    await broker.write("position.v1", partition=2)
    early = [await broker.answered() for _ in range(3)]
    await broker.round.run(ITEM)
    late = await broker.answered()
    await broker.round.run(ITEM)
    assert await broker.fences_taken() == 1
    await broker.commit("notifications", "position.v1", {2: 1})
    await broker.look()
    assert {await broker.rig.stage(subject) for subject in early} == {"done"}
    assert await broker.rig.stage(late) == "fencing"
    broker.rig.clock.advance(broker.rig.settings.fence_interval)
    await broker.look()
    assert await broker.fences_taken() == 2
    assert await broker.rig.stage(late) == "done"


async def test_an_erasure_that_is_answered_after_the_ends_were_read_does_not_share_that_fence(broker: Broker) -> None:
    await broker.register_all()
    first = await broker.answered()
    async with borrow(broker.rig.service.database.pool) as connection:
        listed = await erasures.without_fence(connection)
    second = await broker.answered()
    async with borrow(broker.rig.service.database.pool) as connection:
        fence = fences.Fence(uuid4(), broker.rig.clock.now(), {})
        await fences.insert(connection, fence)
        assert await erasures.share_fence(connection, listed, fence.fence_id) == 1
        assert set((await erasures.behind_fence(connection, fence.fence_id)).values()) == {first}
        assert await erasures.without_fence(connection) == [
            UUID(str((await broker.rig.erasures_of(second))[0]["erasure_id"]))
        ]


async def test_a_fence_that_does_not_know_a_holders_topic_is_taken_anew(broker: Broker) -> None:
    await broker.register_all()
    await broker.write("profile.v1", partition=0)
    subject = await broker.answered()
    await broker.round.run(ITEM)
    odd = ConsumerGroup(group=f"{broker.prefix}stranger.odd", topics=(f"{broker.prefix}odd.v1",))
    await broker.rig.register("stranger", odd)
    await broker.rig.answer((await broker.rig.requests())[-1], ["stranger"])
    for holder in ("audit-log", "notifications", "retention"):
        await broker.commit(holder, "profile.v1", {0: 1})
    for _ in range(2):
        broker.rig.clock.advance(timedelta(minutes=2))
        await broker.look()
        assert await broker.rig.stage(subject) == "fencing"
    await broker.rig.register("stranger")  # it no longer reads what nobody has
    broker.rig.clock.advance(timedelta(minutes=2))
    await broker.look()
    assert await broker.rig.stage(subject) == "done"


async def test_a_broker_that_does_not_answer_lets_nothing_pass(
    broker: Broker, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    await broker.register_all()
    await broker.write("profile.v1", partition=0)
    subject = await broker.answered()
    await broker.round.run(ITEM)
    monkeypatch.setattr("chassis.topic_offsets._TIMEOUT_MS", 500)
    await kafka.stop_serving()
    with pytest.raises(TRANSIENT):
        await broker.round.run(ITEM)
    await kafka.serve_again()
    assert await broker.rig.stage(subject) == "fencing"
    for holder in ("audit-log", "notifications", "retention"):
        await broker.commit(holder, "profile.v1", {0: 1})
    await broker.look()
    assert await broker.rig.stage(subject) == "done"
