"""The system under test: up to three processes of each of two services, each behind wires to broker, database, keyring."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
from chassis.clock import SystemClock
from chassis.errors import TRANSIENT
from chassis.kafka_topics import ensure_topics
from chassis.migrations import CHASSIS
from chassis.testing.containers import connected, free_port
from chassis.testing.databases import Database, fresh_database
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import Identities

from tests.chaos import sink_service, source_service
from tests.chaos.places import BASE, PLACES, PROCESSES, SINK, SOURCE, places_of
from tests.chaos.proxy import Wire
from tests.chaos.servers import ChaosKafka, ChaosPostgres, keep_port
from tests.chaos.stepped_clock import step
from tests.chaos.supervised import Supervised

__all__ = ["PARTITIONS", "SINK", "SOURCE", "System", "running"]

PARTITIONS: Final = 6
_END_SECONDS: Final = 30.0
_LEADS: Final = re.compile(r"^tillit_relay_leader 1(\.0)?$", re.MULTILINE)
_SERVICES: Final = (("source", source_service), ("sink", sink_service))


@dataclass(frozen=True, slots=True)
class System:
    """Everything a fault can strike, and what is read to judge."""

    kafka: ChaosKafka
    postgres: ChaosPostgres
    keyring: KeyringServer
    topic_prefix: str
    databases: tuple[Database, Database]
    """The source's, then the sink's."""
    processes: Sequence[Supervised]
    """By their places: those of the source, then those of the sink."""
    wires: Sequence[tuple[Wire, Wire, Wire]]
    """Of each process: to the broker, the database and the keyring."""
    identities: Identities
    cure: Path
    http: httpx.AsyncClient

    def of(self, service: int) -> Sequence[Supervised]:
        """The service's processes that run, or will again."""
        return [
            self.processes[place]
            for place in places_of(service)
            if place % PLACES < BASE or self.processes[place].expected_up
        ]

    @property
    def sources(self) -> Sequence[Supervised]:
        return self.of(SOURCE)

    @property
    def sinks(self) -> Sequence[Supervised]:
        return self.of(SINK)

    async def relay_leader(self, service: int) -> Supervised | None:
        """The process that says that it leads its service's relay; None while nobody does."""
        for process in self.of(service):
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
async def running(kafka: ChaosKafka, postgres: ChaosPostgres, folder: Path, prefix: str) -> AsyncGenerator[System]:
    """A system that is up and ready; its logs and keys are kept in `folder`."""
    async with AsyncExitStack() as stack:
        keyring = await stack.enter_async_context(KeyringServer())
        source, sink = [
            await stack.enter_async_context(fresh_database(postgres, service.NAME, [CHASSIS, service.MIGRATIONS]))
            for _, service in _SERVICES
        ]
        await ensure_topics(kafka.bootstrap, partitions=PARTITIONS, prefix=prefix)
        http = await stack.enter_async_context(httpx.AsyncClient(limits=httpx.Limits(max_connections=200)))
        identities, cure = Identities.new(folder, SystemClock()), folder / "cure"
        environment = {
            "TILLIT_SERVICE_JWKS_FILE": str(identities.service_jwks),
            "TILLIT_LOGIN_JWKS_FILE": str(identities.login_jwks),
            "TILLIT_TOPIC_PREFIX": prefix,
            "TILLIT_CURE_FILE": str(cure),
            "TILLIT_DRAIN_SECONDS": "10",
        }
        processes: list[Supervised] = []
        wires: list[tuple[Wire, Wire, Wire]] = []
        for place in range(PROCESSES):
            database = (source, sink)[place // PLACES]
            name = f"{_SERVICES[place // PLACES][0]} {place % PLACES + 1}"
            theirs, told = await _wired(stack, name, place, kafka, database, keyring)
            wires.append(theirs)
            process = _process(name, place, folder, {**environment, **told}, identities)
            stack.callback(keep_port(process.port).close)
            processes.append(process)
        stack.push_async_callback(_end_all, processes)
        system = System(kafka, postgres, keyring, prefix, (source, sink), processes, wires, identities, cure, http)
        base = [process for place, process in enumerate(processes) if place % PLACES < BASE]
        for process in base:
            process.start()
        await asyncio.gather(*(process.until_ready(http) for process in base))
        yield system


async def _wired(
    stack: AsyncExitStack, name: str, place: int, kafka: ChaosKafka, database: Database, keyring: KeyringServer
) -> tuple[tuple[Wire, Wire, Wire], dict[str, str]]:
    """A process's wires, and what it is told of its surroundings: the wires' own addresses."""
    door, ports = kafka.doors[place], (kafka.doors[place].advertised, free_port(), free_port())
    servers = (door.port, _port(database.dsn), _port(keyring.url))
    wires = tuple(
        Wire(f"{name} to {what}", port) for what, port in zip(("broker", "database", "keyring"), servers, strict=True)
    )
    assert len(wires) == 3
    for wire, port in zip(wires, ports, strict=True):
        await wire.open(port)
        stack.push_async_callback(wire.close)
    return wires, {
        "TILLIT_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports[0]}",
        "TILLIT_DATABASE_URL": database.dsn.replace(f":{servers[1]}/", f":{ports[1]}/"),
        "TILLIT_KEYRING_URL": f"http://127.0.0.1:{ports[2]}",
    }


def _process(name: str, place: int, folder: Path, environment: dict[str, str], identities: Identities) -> Supervised:
    port, (short, service) = free_port(), _SERVICES[place // PLACES]
    clock = folder / f"{name.replace(' ', '-')}.clock"
    step(clock, 0.0)
    return Supervised(
        name=name,
        module=f"tests.chaos.{short}_service",
        port=port,
        environment={
            **environment,
            "TILLIT_HTTP_PORT": str(port),
            "TILLIT_CLOCK_FILE": str(clock),
            "TILLIT_SERVICE_KEY_FILE": str(identities.key_file(service.NAME)),
        },
        log=folder / f"{name.replace(' ', '-')}.log",
        clock=clock,
    )


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None, f"{url} has no port"
    return port


async def _end_all(processes: Sequence[Supervised]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        await process.until_ended(_END_SECONDS)
