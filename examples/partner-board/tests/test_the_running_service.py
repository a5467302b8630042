"""The real process on a real broker: a position over HTTP is an event on the topic."""

from typing import cast
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from chassis.kafka_topics import ensure_topics
from chassis.settings import ServiceSettings
from chassis.testing import Kafka, KeyringServer, Postgres, another_process, open_service, running, surroundings
from contracts.position import PositionPublished
from partner_board_service.app import build


async def test_a_position_that_is_posted_is_published(
    kafka: Kafka, postgres: Postgres, keyring: KeyringServer, topic_prefix: str
) -> None:
    await ensure_topics(kafka.bootstrap, partitions=1, prefix=topic_prefix)
    async with open_service(build, ServiceSettings, postgres, keyring, kafka=kafka, topic_prefix=topic_prefix) as board:
        url = f"http://127.0.0.1:{board.settings.http_port}"
        operator = surroundings(board).identities.signer("operator", board.clock).internal(board.name)
        form = {"partner_id": str(uuid4()), "partner": "Naboen", "title": "Vakt", "occupation": "vakt", "place": "Moss"}
        async with running(board), httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert (await http.post("/positions", json=form)).status_code == 401
            answer = await http.post("/positions", json=form, headers={"Authorization": f"Bearer {operator}"})
            told = await first_record(kafka, topic_prefix + PositionPublished.topic.name)
        assert answer.status_code == 201
        assert told.key == answer.json()["position_id"].encode()
        assert ("ce_source", b"partner-board") in told.headers
        assert PositionPublished.model_validate_json(told.value or b"").employer_name == "Naboen"

        # a second process of the same service, as a rolling update has for a while
        async with running(another_process(board, build, board.settings)):
            pass


async def first_record(kafka: Kafka, topic: str) -> "ConsumerRecord[bytes, bytes]":
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        return cast("ConsumerRecord[bytes, bytes]", await consumer.getone())
