"""One service of one's own in a test: on a fresh database, with its own keys, real records, and its real process."""

import asyncio
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary
from zlib import crc32

from contracts.event import Event
from contracts.personal import Category
from contracts.topics import EVERY_EDGE, EVERY_HOLDER, Topic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis import offsets
from chassis.batch import MAX_RECORDS
from chassis.clock import Clock, SystemClock, monotonic, new_id
from chassis.jwks import jwks
from chassis.keys import KeyName
from chassis.offsets import Advance
from chassis.outbox import OutgoingEvent
from chassis.process import run_role
from chassis.records import Cause, Record, encode
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres, free_port
from chassis.testing.databases import Database, fresh_database
from chassis.testing.keyring import KeyringServer
from chassis.tokens import Signer

S = TypeVar("S", bound=ServiceSettings)

PARTITIONS: Final = 6
LOGIN: Final = "login"
CALLERS: Final = ("profile", "notifications", "audit-log", "retention", "operator", LOGIN)
_READY_SECONDS: Final = 60.0
_NO_BROKER: Final = "127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Identities:
    """A private key for every service, the operator and the login, in files as a service is told of them."""

    folder: Path

    @classmethod
    def new(cls, folder: Path, clock: Clock, guest: str = CALLERS[0]) -> "Identities":
        """Make the keys of everybody, and of `guest`, a service that is none of ours."""
        made = cls(folder)
        callers = sorted({*CALLERS, guest})
        for name in callers:
            pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            made.key_file(name).write_bytes(pem)
        made.service_jwks.write_text(jwks([made.signer(name, clock).jwk() for name in callers if name != LOGIN]))
        made.login_jwks.write_text(jwks([made.signer(LOGIN, clock).jwk()]))
        return made

    @property
    def service_jwks(self) -> Path:
        return self.folder / "services.jwks.json"

    @property
    def login_jwks(self) -> Path:
        return self.folder / "login.jwks.json"

    def key_file(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def signer(self, name: str, clock: Clock) -> Signer:
        """Who issues tokens as this service, as `operator` or as `login`."""
        return Signer(name, self.key_file(name).read_bytes(), clock)


@dataclass(slots=True)
class Surroundings:
    """What a test gave a service: its database and who everybody is. `surroundings(service)` finds them."""

    keyring: KeyringServer
    database: Database
    identities: Identities
    stack: AsyncExitStack
    sent: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """How many records `deliver` put on each partition."""


_surroundings: "WeakKeyDictionary[Service, Surroundings]" = WeakKeyDictionary()


def surroundings(service: Service) -> Surroundings:
    return _surroundings[service]


@asynccontextmanager
async def open_service(
    build: Callable[[S], Service],
    settings_class: type[S],
    postgres: Postgres,
    keyring: KeyringServer,
    *,
    kafka: Kafka | None = None,
    topic_prefix: str = "",
    clock: Clock | None = None,
    **settings: object,
) -> AsyncGenerator[Service]:
    """An opened service on a fresh, migrated database, with keys of its own; everything goes when the block ends.

    Without `kafka` it has no broker: reactions are fed by `deliver`. The role `migrate` has done its part.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tillit-service-")))
        identities = Identities(folder)

        def told(name: str, dsn: str) -> S:
            return settings_class.model_validate(
                {
                    "database_url": dsn,
                    "kafka_bootstrap": kafka.bootstrap if kafka is not None else _NO_BROKER,
                    "topic_prefix": topic_prefix,
                    "http_port": free_port(),
                    "keyring_url": keyring.url,
                    "service_key_file": identities.key_file(name),
                    "service_jwks_file": identities.service_jwks,
                    "login_jwks_file": identities.login_jwks,
                    "drain_seconds": 5,
                    **settings,
                }
            )

        # built twice: name and migrations are known to the service only, and without them there is no database
        described = build(told(CALLERS[0], "postgresql://nobody@127.0.0.1:9/none"))
        role = described.name.replace("-", "_")
        database = await stack.enter_async_context(fresh_database(postgres, role, described.migrations, clock))
        Identities.new(folder, clock, guest=described.name)
        service = build(told(described.name, database.dsn))
        service.clock = clock
        _surroundings[service] = Surroundings(keyring, database, identities, stack)
        await service.open(stack)
        for prepare in service.at_migration:
            await prepare()
        yield service


def another_process(service: Service, build: Callable[[S], Service], settings: S) -> Service:
    """The same service once more, as a second process of it would be: same database and keys, its own port. Not open."""
    twin = build(settings.model_copy(update={"http_port": free_port()}))
    twin.clock = service.clock
    _surroundings[twin] = surroundings(service)
    return twin


def seal_event(
    keyring: KeyringServer, event: Event, *, clock: Clock, prefix: str = "", event_id: UUID | None = None
) -> OutgoingEvent:
    """The event as its owner would send it.

    Raises:
        SubjectGone: a key that it needs was never made (`keyring.make`) or is destroyed.
    """
    names = [KeyName(subject, category) for subject in event.subjects() for category in Category]
    event_id = event_id or new_id(clock)
    owner = event.topic.owner if event.topic.owner not in (EVERY_HOLDER, EVERY_EDGE) else "stranger"
    keys = keyring.key_set(names)
    return encode(event, keys, Cause(event_id), event_id=event_id, source=owner, at=clock.now(), prefix=prefix)


async def deliver(service: Service, topic: Topic, events: Sequence[Event]) -> list[UUID]:
    """Have the service take these events of one topic in, in this order; the answer is their ids.

    Raises:
        SubjectGone: a key that one needs was never made (`keyring.make`) or is destroyed.
        Exception: one of `chassis.errors.TRANSIENT`; nothing was taken in.
    """
    around = surroundings(service)
    prefix = service.settings.topic_prefix
    sealed = [seal_event(around.keyring, event, clock=service.clock, prefix=prefix) for event in events]
    if any(event.topic != topic for event in events):
        raise ValueError("deliver() takes events of the topic it is told")
    await deliver_sealed(service, sealed)
    return [event.event_id for event in sealed]


async def deliver_sealed(service: Service, events: Sequence[OutgoingEvent]) -> list[Record]:
    """Have the service take in events of one topic as they were sealed earlier; the answer is their records."""
    sent = surroundings(service).sent
    records: list[Record] = []
    for event in events:
        partition = partition_of(event.key)
        offset = sent[event.topic, partition]
        sent[event.topic, partition] += 1
        records.append(Record(event.topic, partition, offset, event.key.encode(), event.headers, event.body))
    await deliver_records(service, records)
    return records


async def deliver_records(service: Service, records: Sequence[Record]) -> None:
    """Have the service take in records of one topic that stand at the ends of its partitions, good or bad."""
    for start in range(0, len(records), MAX_RECORDS):
        part = records[start : start + MAX_RECORDS]
        ends = {record.partition: record.offset + 1 for record in part}
        async with borrow(service.database.pool) as connection:
            stand = await offsets.read(connection, part[0].topic, sorted(ends))
        steps = [Advance(partition, stand[partition], end) for partition, end in ends.items()]
        await service.runner.run(part[0].topic, part, steps)


def partition_of(key: str) -> int:
    return crc32(key.encode()) % PARTITIONS


@asynccontextmanager
async def running(service: Service, role: str = "all") -> AsyncGenerator["asyncio.Task[None]"]:
    """A real process of the service, but in this event loop: ready when the block starts, drained when it ends.

    A service runs once, because declarations are for one process: for a second one use `another_process`. Cancelling
    the task is the nearest thing here to a process that is killed.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    process = asyncio.create_task(run_role(service, role, stop))
    try:
        await _until_ready(service, process)
        yield process
    finally:
        stop.set()
        await asyncio.wait({process})
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        # the process closed its pool: what the test reads afterwards needs one
        await service.open(surroundings(service).stack)
    if not process.cancelled():
        process.result()


async def _until_ready(service: Service, process: "asyncio.Task[None]") -> None:
    began = monotonic()
    while not process.done():
        report = await service.health.ready()
        if report.ok and report.parts and await _listens(service.settings.http_port):
            return
        if monotonic() - began > _READY_SECONDS:
            raise TimeoutError(f"{service.name} is not ready: {report.parts}")
        await asyncio.sleep(0.02)
    process.result()
    raise RuntimeError(f"{service.name} ended before it was ready")


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
