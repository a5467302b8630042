"""A notifications service of its own for every test, on a database of its own, with a real mail server and keyring."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from chassis.service import Service
from chassis.testing.containers import Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service
from notifications_service.app import build
from notifications_service.settings import NotificationsSettings

from .smtp_server import Catcher, mail_catcher


@pytest_asyncio.fixture
async def catcher() -> AsyncGenerator[Catcher]:
    async with mail_catcher() as opened:
        yield opened


@pytest_asyncio.fixture
async def keyring() -> AsyncGenerator[KeyringServer]:
    async with KeyringServer() as opened:
        yield opened


@pytest_asyncio.fixture
async def service(postgres: Postgres, keyring: KeyringServer, catcher: Catcher) -> AsyncGenerator[Service]:
    async with open_service(
        build,
        NotificationsSettings,
        postgres,
        keyring,
        smtp_url=f"smtp://127.0.0.1:{catcher.port}",
        mail_from="portal@tillit.example",
        portal_url="https://portal.example",
    ) as opened:
        yield opened
