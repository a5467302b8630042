"""A partner board of its own for every test: a fresh database, a keyring, no broker."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import KeyringServer, MovedClock, Postgres, open_service
from partner_board_service.app import build


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(datetime(2026, 1, 2, 8, tzinfo=UTC))


@pytest_asyncio.fixture
async def board(postgres: Postgres, keyring: KeyringServer, clock: MovedClock) -> AsyncGenerator[Service]:
    async with open_service(build, ServiceSettings, postgres, keyring, clock=clock) as service:
        yield service
