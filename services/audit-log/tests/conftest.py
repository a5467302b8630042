"""An audit log of its own for every test, on a database and in a folder of its own, with a real keyring."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from chassis.service import Service
from chassis.testing.containers import Postgres
from chassis.testing.keyring import KeyringServer

from .published import Published


@pytest_asyncio.fixture
async def keyring() -> AsyncGenerator[KeyringServer]:
    async with KeyringServer() as opened:
        yield opened


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """Where this test's log publishes, and its key."""
    return Published.new(tmp_path)


@pytest_asyncio.fixture
async def service(postgres: Postgres, keyring: KeyringServer, published: Published) -> AsyncGenerator[Service]:
    async with published.open(postgres, keyring) as opened:
        yield opened
