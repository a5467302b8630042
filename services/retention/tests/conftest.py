"""What the tests of this service share: the service on a database of its own, and a keyring for those without HTTP."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from chassis.testing.containers import Postgres
from chassis.testing.keyring import KeyringServer

from .rig import Rig, running_api
from .small_log import SmallLog, running_log


@pytest_asyncio.fixture
async def rig(postgres: Postgres, tmp_path: Path) -> AsyncGenerator[Rig]:
    """The service, migrated and serving its HTTP interface, which is also its own keyring."""
    async with running_api(postgres, tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def log() -> AsyncGenerator[SmallLog]:
    """A public log with a witness, that has nothing yet."""
    async with running_log() as made:
        yield made


@pytest_asyncio.fixture
async def logged(postgres: Postgres, tmp_path: Path, log: SmallLog) -> AsyncGenerator[Rig]:
    """The service, beside that log."""
    trust = {"log_url": log.url, "log_key": str(log.key), "witness_keys": str(log.witness)}
    async with running_api(postgres, tmp_path, **trust) as made:
        yield made


@pytest_asyncio.fixture
async def keyring() -> AsyncGenerator[KeyringServer]:
    async with KeyringServer() as made:
        yield made
