"""The rig's own promises: what a chaos test relies on when it pauses, kills and restarts servers."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from chassis.testing.containers import Disturbable, Kafka, Postgres, ServerNotReadyError


async def test_what_kafka_acknowledged_is_read_back_from_the_same_address_after_a_restart_and_a_crash(
    kafka: Kafka, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}facts"
    await kafka.create_topics([topic], partitions=1)
    address = kafka.bootstrap
    for disturb in (kafka.restart, kafka.crash):
        await send(kafka, topic, b"acknowledged")
        await disturb()
        assert kafka.bootstrap == address
    assert await read(kafka, topic, count=2) == [b"acknowledged", b"acknowledged"]


def test_a_test_that_asks_for_a_server_is_marked_without_saying_so(
    request: pytest.FixtureRequest, kafka: Kafka
) -> None:
    assert request.node.get_closest_marker("containers") is not None


async def test_a_topic_that_nobody_made_is_refused(kafka: Kafka, topic_prefix: str) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(kafka, f"{topic_prefix}mistyped", b"x"), timeout=2)


async def test_topics_of_one_prefix_are_deleted_and_others_stay(kafka: Kafka, topic_prefix: str) -> None:
    mine, other = f"{topic_prefix}mine.a", f"{topic_prefix}other.a"
    await kafka.create_topics([mine, other], partitions=1)
    await kafka.delete_topics_of(f"{topic_prefix}mine.")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(kafka, mine, b"x"), timeout=2)
    await send(kafka, other, b"x")


async def test_what_postgres_committed_survives_a_restart_and_a_crash(postgres: Postgres) -> None:
    await execute(postgres, "CREATE TABLE survives (id int)")
    for number, disturb in enumerate((postgres.restart, postgres.crash)):
        await execute(postgres, f"INSERT INTO survives VALUES ({number})")
        await disturb()
    async with postgres.admin() as connection:
        rows = await connection.fetch("SELECT id FROM survives ORDER BY id")
        await connection.execute("DROP TABLE survives")
    assert [row["id"] for row in rows] == [0, 1]


@pytest.mark.containers
@pytest.mark.parametrize("name", ["kafka", "postgres"])
async def test_a_paused_server_is_silent_and_answers_again_after(request: pytest.FixtureRequest, name: str) -> None:
    server = request.getfixturevalue(name)
    assert isinstance(server, Disturbable)
    async with server.paused():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer(server), timeout=0.5)
    await asyncio.wait_for(answer(server), timeout=10)


async def test_a_server_left_paused_or_dead_is_revived(kafka: Kafka, postgres: Postgres) -> None:
    await kafka.pause()
    await postgres.stop_serving()
    await asyncio.to_thread(kafka.revive)
    await asyncio.to_thread(postgres.revive)
    await answer(kafka)
    await answer(postgres)


async def test_a_server_that_ends_at_once_is_reported_with_its_last_words(postgres: Postgres) -> None:
    broken = Postgres(postgres.image)
    broken.with_command(["sh", "-c", "echo the reason >&2; exit 3"])
    try:
        with pytest.raises(ServerNotReadyError, match="exited"):
            await asyncio.to_thread(broken.start)
    finally:
        broken.stop()


async def answer(server: Disturbable) -> None:
    if isinstance(server, Kafka):
        await server.create_topics([])
    elif isinstance(server, Postgres):
        await execute(server, "SELECT 1")


async def execute(postgres: Postgres, statement: str) -> None:
    async with postgres.admin() as connection:
        await connection.execute(statement)


async def send(kafka: Kafka, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def read(kafka: Kafka, topic: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, 0)])
    async with consumer:
        async with asyncio.timeout(10):
            return [(await consumer.getone()).value for _ in range(count)]
