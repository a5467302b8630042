"""A full disk is a full disk, what was written outlives it and the server's death, and no client gets past its wire."""

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from chassis.testing.containers import connected

from tests.chaos.proxy import Flow, Wire
from tests.chaos.servers import ChaosKafka, ChaosPostgres, full_disk


async def test_a_database_on_a_full_disk_refuses_writes_and_takes_them_again_when_there_is_room(
    postgres: ChaosPostgres,
) -> None:
    async with connected(postgres.admin_dsn) as connection:
        await connection.execute("CREATE TABLE filled (place int PRIMARY KEY, body text)")
        await connection.execute("INSERT INTO filled SELECT 1, ''")
    async with full_disk(postgres):
        assert postgres.disk.room() < 1_000_000
        with pytest.raises((asyncpg.DiskFullError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)):
            async with connected(postgres.admin_dsn) as connection:
                await connection.execute(
                    "INSERT INTO filled SELECT n, repeat('x', 500) FROM generate_series(2, 99999) n"
                )
    await postgres.crash()
    async with connected(postgres.admin_dsn) as connection:
        assert await connection.fetchval("SELECT count(*) FROM filled") == 1
        await connection.execute("INSERT INTO filled SELECT 2, ''")
        await connection.execute("DROP TABLE filled")


async def test_a_broker_keeps_its_records_when_its_disk_was_full_and_its_clients_come_by_their_wire_only(
    kafka: ChaosKafka, topic_prefix: str
) -> None:
    topic, door = f"{topic_prefix}kept", kafka.doors[0]
    await kafka.create_topics([topic], partitions=1)
    wire = Wire("a client to the broker", door.port)
    await wire.open(door.advertised)
    producer = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{door.advertised}", acks="all")
    try:
        await producer.start()
        assert (await producer.send_and_wait(topic, b"before")).offset == 0
        before = wire.carried
        assert before >= 2  # the bootstrap's connection, and the one to the address that the broker told
        wire.set(Flow.CUT)
        wire.set(Flow.OPEN)
        assert (await producer.send_and_wait(topic, b"after a cut")).offset == 1
        assert wire.carried > before
        async with full_disk(kafka):
            assert kafka.disk.room() < 1_000_000
        await kafka.crash()
        assert (await producer.send_and_wait(topic, b"after a full disk")).offset == 2
    finally:
        await producer.stop()
        await wire.close()
