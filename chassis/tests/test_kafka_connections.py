"""A connection that breaks under the client's hands is a broken connection to it, on the loop that services run on."""

from typing import Any, cast

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.conn import create_conn  # pyright: ignore[reportUnknownVariableType]
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest
from chassis.kafka_connections import ClientEnded, refuse_ended, survive_broken_connections
from chassis.testing.containers import Kafka


async def _write_to_a_closed_transport(kafka: Kafka) -> None:
    host, port = kafka.bootstrap.split(":")
    connection = cast("Any", await create_conn(host, int(port), request_timeout_ms=5_000))
    connection._writer.transport.abort()
    try:
        await connection.send(ApiVersionRequest())
    finally:
        assert not connection.connected()


def test_a_transport_that_is_closed_is_a_broken_connection(kafka: Kafka) -> None:
    survive_broken_connections()
    with pytest.raises(KafkaConnectionError):
        uvloop.run(_write_to_a_closed_transport(kafka))


async def test_a_client_whose_membership_ended_with_an_error_is_found_out(kafka: Kafka, topic_prefix: str) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=topic_prefix)
    await consumer.start()
    refuse_ended(consumer)
    coordinator = cast("Any", consumer)._coordinator

    async def fail() -> None:
        raise RuntimeError

    coordinator.ensure_coordinator_known = fail
    consumer.subscribe([f"{topic_prefix}nothing"])
    with pytest.raises(Exception, match="RuntimeError"):
        await coordinator._coordination_task
    with pytest.raises(ClientEnded, match="RuntimeError"):
        refuse_ended(consumer)
    await consumer.stop()
