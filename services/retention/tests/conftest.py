"""What the tests of this service share: the module `retention_rig`, and a service on a database of its own."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from chassis.testing.containers import Postgres

sys.path.insert(0, str(Path(__file__).parent))

from retention_rig import Rig, running_api


@pytest_asyncio.fixture
async def rig(postgres: Postgres, tmp_path: Path) -> AsyncGenerator[Rig]:
    """The service, migrated and serving its HTTP interface, which is also its own keyring."""
    async with running_api(postgres, tmp_path) as made:
        yield made
