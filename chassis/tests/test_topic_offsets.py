"""What the broker has of many topics is asked at once, without reading any of it."""

from uuid import uuid4

from aiokafka import AIOKafkaProducer
from chassis.clock import monotonic
from chassis.testing.containers import Kafka
from chassis.topic_offsets import extent

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


async def test_topics_that_the_broker_does_not_have_are_left_out(kafka: Kafka) -> None:
    nowhere = await extent(kafka.bootstrap, [f"e{uuid4().hex[:8]}.nowhere"])
    assert nowhere == ({}, {})
