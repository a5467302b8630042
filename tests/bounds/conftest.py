"""A town of its own for every test."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from chassis.testing.containers import Kafka, Postgres

from tests.integration.town import Town, town


@pytest_asyncio.fixture(name="town")
async def town_of_its_own(kafka: Kafka, postgres: Postgres, topic_prefix: str) -> AsyncGenerator[Town]:
    async with town(kafka, postgres, topic_prefix) as made:
        yield made
