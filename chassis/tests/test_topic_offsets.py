"""What the broker has of many topics is asked at once, without reading any of it."""

import asyncio
from functools import partial
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from chassis.clock import monotonic
from chassis.errors import TRANSIENT
from chassis.testing.containers import Kafka, start_kafka
from chassis.topic_offsets import Committed, extent, offset_reader, set_back
from contracts.privacy import ConsumerGroup

from .loading_coordinator import LoadingCoordinator

TOPICS = 15
BACKOFF_SECONDS = 0.1
"""How long the client waits for each topic that it finds unknown, if it is asked for them one by one."""


async def test_many_topics_take_no_longer_than_the_broker_needs(kafka: Kafka) -> None:
    names = [f"e{uuid4().hex[:8]}.{number}" for number in range(TOPICS)]
    await kafka.create_topics(names, partitions=2)
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    for number, name in enumerate(names):
        await producer.send_and_wait(name, bytes(100), partition=number % 2)
    await producer.stop()
    seconds: list[float] = []
    for _ in range(5):
        began = monotonic()
        found = await extent(kafka.bootstrap, names)
        seconds.append(monotonic() - began)
        assert found.beginnings == {name: {0: 0, 1: 0} for name in names}
        assert found.ends == {name: {0: 1 - number % 2, 1: number % 2} for number, name in enumerate(names)}
    assert min(seconds) < (TOPICS - 1) * BACKOFF_SECONDS


async def written(kafka: Kafka, topic: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
    await producer.start()
    await producer.send_and_wait(topic, b"{}", partition=0)
    await producer.stop()


async def test_one_reader_sees_each_record_commit_and_topic_that_came_since_its_last_question(kafka: Kafka) -> None:
    prefix = f"e{uuid4().hex[:8]}"
    first, second = f"{prefix}.first", f"{prefix}.second"
    groups = [ConsumerGroup(group=f"{prefix}.{name}", topics=(first,)) for name in ("old", "new")]
    old, new = (one.group for one in groups)
    await kafka.create_topics([first], partitions=1)
    await set_back(kafka.bootstrap, old, {TopicPartition(first, 0): 0})
    async with offset_reader(kafka.bootstrap) as reader:
        assert await reader.ends([first, second]) == {first: {0: 0}}
        assert await reader.committed(groups) == {old: {TopicPartition(first, 0): Committed(0, True)}, new: {}}
        await kafka.create_topics([second], partitions=1)
        await written(kafka, first)
        await written(kafka, second)
        assert await reader.ends([first, second]) == {first: {0: 1}, second: {0: 1}}
        for group in (old, new):
            await set_back(kafka.bootstrap, group, {TopicPartition(first, 0): 1})
        there = {TopicPartition(first, 0): Committed(1, True)}
        assert await reader.committed(groups) == {old: there, new: there}


async def test_a_reader_asks_anew_once_a_broker_that_was_away_is_back(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.topic_offsets._TIMEOUT_MS", 500)
    topic = f"e{uuid4().hex[:8]}.again"
    group = ConsumerGroup(group=topic, topics=(topic,))
    await kafka.create_topics([topic], partitions=1)
    there = {TopicPartition(topic, 0): Committed(0, True)}
    await set_back(kafka.bootstrap, topic, {TopicPartition(topic, 0): 0})
    async with offset_reader(kafka.bootstrap) as reader:
        assert await reader.ends([topic]) == {topic: {0: 0}}
        assert await reader.committed([group]) == {topic: there}
        await kafka.stop_serving()
        with pytest.raises(TRANSIENT):
            await reader.ends([topic])
        with pytest.raises(TRANSIENT):
            await reader.committed([group])
        await kafka.serve_again()
        await written(kafka, topic)
        assert await reader.ends([topic]) == {topic: {0: 1}}
        assert await reader.committed([group]) == {topic: there}


async def test_a_broker_that_does_not_know_yet_what_was_committed_is_not_taken_to_say_nothing_was() -> None:
    kafka = await asyncio.to_thread(start_kafka, partial(Kafka, doors=1))
    try:
        [door] = kafka.doors
        await kafka.create_topics(["known"], partitions=2)
        committed, none = (
            ConsumerGroup(group="committed", topics=("known",)),
            ConsumerGroup(group="none", topics=("known",)),
        )
        await set_back(kafka.bootstrap, "committed", {TopicPartition("known", 1): 0})
        there = {"committed": {TopicPartition("known", 1): Committed(0, True)}, "none": {}}
        async with (
            LoadingCoordinator(door).standing() as broker,
            offset_reader(f"127.0.0.1:{door.advertised}") as reader,
        ):
            assert await reader.committed([committed, none]) == there
            broker.loading = True
            for group in (committed, none):
                with pytest.raises(TRANSIENT):
                    await reader.committed([group])
            broker.loading = False
            assert await reader.committed([committed, none]) == there
    finally:
        await asyncio.to_thread(kafka.stop)


async def test_topics_that_the_broker_does_not_have_are_left_out(kafka: Kafka) -> None:
    nowhere = await extent(kafka.bootstrap, [f"e{uuid4().hex[:8]}.nowhere"])
    assert nowhere == ({}, {})
