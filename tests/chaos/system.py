"""The system under test: two processes of each of two services on one database each, on real Kafka and PostgreSQL."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from chassis.clock import SystemClock
from chassis.errors import TRANSIENT
from chassis.kafka_topics import ensure_topics
from chassis.migrations import CHASSIS
from chassis.testing.containers import Kafka, Postgres, connected, free_port
from chassis.testing.databases import Database, fresh_database
from chassis.testing.keyring import KeyringServer
from chassis.tokens import Signer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.chaos import sink_service, source_service
from tests.chaos.supervised import Supervised

SOURCE: Final = 0
SINK: Final = 1
PARTITIONS: Final = 6
_END_SECONDS: Final = 30.0
_LEADS: Final = re.compile(r"^tillit_relay_leader 1(\.0)?$", re.MULTILINE)
_OUR_KEYS: Final = (source_service.NAME, sink_service.NAME, "login")


@dataclass(frozen=True, slots=True)
class System:
    """Everything a fault can strike, and what is read to judge."""

    kafka: Kafka
    postgres: Postgres
    keyring: KeyringServer
    topic_prefix: str
    databases: tuple[Database, Database]
    """The source's, then the sink's."""
    processes: tuple[Supervised, Supervised, Supervised, Supervised]
    """Two of the source, then two of the sink."""
    http: httpx.AsyncClient

    @property
    def sources(self) -> Sequence[Supervised]:
        return self.processes[:2]

    @property
    def sinks(self) -> Sequence[Supervised]:
        return self.processes[2:]

    async def relay_leader(self, service: int) -> Supervised | None:
        """The process that says that it leads its service's relay; None while nobody does."""
        for process in self.processes[2 * service : 2 * service + 2]:
            with suppress(httpx.HTTPError):
                measures = await self.http.get(f"{process.url}/metrics", timeout=1)
                if _LEADS.search(measures.text):
                    return process
        return None

    async def last_consumer(self) -> Supervised:
        """The sink's process that took in the newest event, so one that holds partitions."""
        port: object = None
        with suppress(*TRANSIENT):
            async with asyncio.timeout(3), connected(self.databases[SINK].admin_dsn) as connection:
                port = await connection.fetchval("SELECT worker FROM arrivals ORDER BY arrival DESC LIMIT 1")
        return next((process for process in self.sinks if process.port == port), self.sinks[0])


@asynccontextmanager
async def running(kafka: Kafka, postgres: Postgres, folder: Path, prefix: str) -> AsyncGenerator[System]:
    """A system that is up and ready; its logs and keys are kept in `folder`."""
    async with AsyncExitStack() as stack:
        keyring = await stack.enter_async_context(KeyringServer())
        databases = (
            await stack.enter_async_context(
                fresh_database(postgres, source_service.NAME, [CHASSIS, source_service.MIGRATIONS])
            ),
            await stack.enter_async_context(
                fresh_database(postgres, sink_service.NAME, [CHASSIS, sink_service.MIGRATIONS])
            ),
        )
        await ensure_topics(kafka.bootstrap, partitions=PARTITIONS, prefix=prefix)
        http = await stack.enter_async_context(httpx.AsyncClient(limits=httpx.Limits(max_connections=200)))
        environment = {
            **_key_files(folder),
            "TILLIT_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TILLIT_TOPIC_PREFIX": prefix,
            "TILLIT_KEYRING_URL": keyring.url,
            "TILLIT_DRAIN_SECONDS": "10",
        }
        processes = tuple(
            _process(name, number, database, environment, folder)
            for name, database in zip(("source", "sink"), databases, strict=True)
            for number in (1, 2)
        )
        assert len(processes) == 4
        stack.push_async_callback(_end_all, processes)
        for process in processes:
            process.start()
        await asyncio.gather(*(process.until_ready(http) for process in processes))
        yield System(kafka, postgres, keyring, prefix, databases, processes, http)


def _process(name: str, number: int, database: Database, environment: dict[str, str], folder: Path) -> Supervised:
    port = free_port()
    service = database.app_role
    return Supervised(
        name=f"{name} {number}",
        module=f"tests.chaos.{name}_service",
        port=port,
        environment={
            **environment,
            "TILLIT_DATABASE_URL": database.dsn,
            "TILLIT_HTTP_PORT": str(port),
            "TILLIT_SERVICE_KEY_FILE": str(folder / f"{service}.pem"),
        },
        log=folder / f"{name}-{number}.log",
    )


def _key_files(folder: Path) -> dict[str, str]:
    """A private key per service, and the JWKS that says so."""
    keys: list[dict[str, str]] = []
    for kid in _OUR_KEYS:
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = folder / f"{kid}.pem"
        file.touch(mode=0o600)
        file.write_bytes(pem)
        keys.append(Signer(kid, pem, SystemClock()).jwk())
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": keys}))
    return {"TILLIT_SERVICE_JWKS_FILE": str(jwks), "TILLIT_LOGIN_JWKS_FILE": str(jwks)}


async def _end_all(processes: Sequence[Supervised]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        await process.until_ended(_END_SECONDS)
