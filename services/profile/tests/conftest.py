"""A profile service of its own for every test, on a database of its own, with a real keyring and a clock that is moved."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from chassis.clock import MovedClock
from chassis.jwks import jwks
from chassis.service import Service
from chassis.testing.containers import Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service
from chassis.tokens import Signer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from profile_service.app import build
from profile_service.settings import ProfileSettings

from .portal import Portal, portal_of


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest_asyncio.fixture
async def keyring() -> AsyncGenerator[KeyringServer]:
    async with KeyringServer() as opened:
        yield opened


@pytest_asyncio.fixture
async def service(
    postgres: Postgres, keyring: KeyringServer, clock: MovedClock, tmp_path: Path
) -> AsyncGenerator[Service]:
    key, known = tmp_path / "login.pem", tmp_path / "login.jwks.json"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    known.write_text(jwks([Signer("login", key.read_bytes(), clock).jwk()]))
    async with open_service(
        build,
        ProfileSettings,
        postgres,
        keyring,
        clock=clock,
        login_key_file=key,
        login_jwks_file=known,
        cooling_off_hours=72,
    ) as opened:
        yield opened


@pytest_asyncio.fixture
async def portal(service: Service) -> AsyncGenerator[Portal]:
    async with portal_of(service) as opened:
        yield opened
