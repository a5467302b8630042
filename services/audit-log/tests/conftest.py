"""An audit log of its own for every test, on a database of its own, with a real keyring."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from audit_log_service.app import build
from audit_log_service.settings import AuditLogSettings
from chassis.service import Service
from chassis.testing.containers import Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service


@pytest_asyncio.fixture
async def keyring() -> AsyncGenerator[KeyringServer]:
    async with KeyringServer() as opened:
        yield opened


@pytest_asyncio.fixture
async def service(postgres: Postgres, keyring: KeyringServer) -> AsyncGenerator[Service]:
    async with open_service(build, AuditLogSettings, postgres, keyring) as opened:
        yield opened
