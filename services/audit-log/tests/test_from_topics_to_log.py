"""The real process, on a real broker: whatever stands on any topic is in the log, once, in the order of its partition."""

import asyncio

from aiokafka import AIOKafkaProducer
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import running
from contracts.topics import TOPICS

from .published import Published
from .rig import Publisher, corrected, logged, position, somebody, to_be_erased

_LONG_ENOUGH_SECONDS = 30.0


async def test_every_record_of_every_topic_is_logged_once_in_order(
    postgres: Postgres, kafka: Kafka, topic_prefix: str, keyring: KeyringServer, published: Published
) -> None:
    publisher, person = Publisher(), somebody()
    await kafka.create_topics([topic_prefix + name for name in TOPICS])
    events = [*(corrected(person) for _ in range(40)), *(position() for _ in range(20)), to_be_erased(somebody())]
    async with (
        published.open(postgres, keyring, kafka=kafka, topic_prefix=topic_prefix) as service,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        for event in events:
            sent = publisher.sealed(event)
            for _ in range(2):  # its publisher's relay was not sure
                await producer.send_and_wait(
                    topic_prefix + sent.topic, sent.body, sent.key.encode(), headers=sent.headers
                )
        # and what the log itself says: that it is a holder, and its answer to the erasure
        expected = len(events) + 2
        async with running(service):
            async with asyncio.timeout(_LONG_ENOUGH_SECONDS):
                while True:
                    if len(await logged(service)) >= expected and published.checkpoint().size >= expected:
                        break
                    await asyncio.sleep(0.05)
        assert len(published.audit().leaves) == expected
        types = [type_ for type_, _ in await logged(service)]
        assert len(types) == expected
        assert {"holder.registered.v1", "personal.data.erased.v1"} < set(types)
        async with borrow(service.database.pool) as connection:
            rows = await connection.fetch("SELECT topic, partition, record_offset FROM entries ORDER BY position")
        for topic, partition in {(row["topic"], row["partition"]) for row in rows}:
            offsets = [row["record_offset"] for row in rows if (row["topic"], row["partition"]) == (topic, partition)]
            assert offsets == sorted(offsets)
