"""One town for each file: its tests use people, positions and topics of their own, so that they can share it."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from chassis.testing.containers import Postgres

from .town import Town, town


@pytest_asyncio.fixture(scope="module", name="shared_town")
async def town_of_the_file(postgres: Postgres) -> AsyncGenerator[Town]:
    async with town(postgres) as made:
        yield made


@pytest_asyncio.fixture(name="town")
async def town_at_peace(shared_town: Town) -> Town:
    """The town, with no trouble that an earlier test made."""
    shared_town.cured = False
    shared_town.disturb = None
    shared_town.keyring.unavailable = False
    return shared_town
