"""`python -m benchmarks.rotation`: a rotation of many keys while a client fetches at a steady rate, and without it; then
how long a destroyed key is readable in a process that only asks.

PostgreSQL, Kafka, retention's api and its worker are processes of their own, on one machine with the client.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final
from uuid import uuid4

import httpx
import uvloop
from chassis.clock import SystemClock, monotonic
from chassis.destroyed_keys import follow_destroyed
from chassis.kafka_topics import ensure_topics
from chassis.keys import KeyName, SubjectKeys
from chassis.migrations import CHASSIS, MigrationSource
from chassis.sql import connect
from chassis.testing.containers import Kafka, Postgres, free_port, start_kafka, start_postgres
from chassis.testing.databases import fresh_database
from chassis.testing.services import Identities
from contracts.personal import Category, SubjectId
from retention_service import subject_keys
from retention_service.destroyed_ledger import Destroyed, DestroyedLedger
from retention_service.destruction import Destruction
from retention_service.kek_store import KekStore
from retention_service.subject_keys import NewKey

from benchmarks.rig import DirectPostgres

SERVICE: Final = "profile"
CATEGORY: Final = Category.USER_INFORMATION
MIGRATIONS: Final = (CHASSIS, MigrationSource("retention", files("retention_service") / "migrations"))


@dataclass(frozen=True)
class Keyring:
    """A retention service whose api and worker run as processes."""

    url: str
    dsn: str
    kek_dir: Path
    identities: Identities

    def http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, timeout=30)

    def token(self, caller: str) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.identities.signer(caller, SystemClock()).internal('retention')}"}


@asynccontextmanager
async def keyring(postgres: Postgres, kafka: Kafka, folder: Path) -> AsyncGenerator[Keyring]:
    clock = SystemClock()
    identities = Identities.new(folder, clock)
    await ensure_topics(kafka.bootstrap, partitions=6)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(fresh_database(postgres, "retention", MIGRATIONS, clock))
        port = free_port()

        def environment(http_port: int) -> dict[str, str]:
            return {
                **os.environ,
                "TILLIT_DATABASE_URL": database.dsn,
                "TILLIT_MIGRATION_DATABASE_URL": database.migration_dsn,
                "TILLIT_KAFKA_BOOTSTRAP": kafka.bootstrap,
                "TILLIT_HTTP_PORT": str(http_port),
                "TILLIT_KEYRING_URL": f"http://127.0.0.1:{port}",
                "TILLIT_PUBLIC_URL": f"http://127.0.0.1:{port}",
                "TILLIT_SERVICE_KEY_FILE": str(identities.key_file("retention")),
                "TILLIT_SERVICE_JWKS_FILE": str(identities.service_jwks),
                "TILLIT_LOGIN_JWKS_FILE": str(identities.login_jwks),
                "TILLIT_KEK_DIR": str(folder / "kek"),
                "TILLIT_KEY_REQUESTS_PER_SECOND": "100000",
                "TILLIT_LOG_LEVEL": "ERROR",
            }

        migrate = await _start("migrate", environment(port))
        if await migrate.wait() != 0:
            raise RuntimeError("the migration failed")
        stack.push_async_callback(_end, await _start("api", environment(port)))
        stack.push_async_callback(_end, await _start("worker", environment(free_port())))
        made = Keyring(f"http://127.0.0.1:{port}", database.dsn, folder / "kek", identities)
        async with made.http() as http:
            while True:
                with suppress(httpx.TransportError):
                    if (await http.get("/health/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
        yield made


async def _start(role: str, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "retention_service.app", role),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    await process.wait()


async def fill(ring: Keyring, count: int) -> list[SubjectId]:
    """So many people with one key each, put into the table as the service would."""
    people = [SubjectId(uuid4()) for _ in range(count)]
    keks, now = KekStore(ring.kek_dir).current(), SystemClock().now()
    connection = await connect(ring.dsn)
    try:
        rest = iter(people)
        while part := list(islice(rest, 2_000)):
            keys = [NewKey(KeyName(who, CATEGORY), keks.wrap(who, CATEGORY, os.urandom(32))) for who in part]
            await subject_keys.insert_new(connection, keys, now, confirmed=True)
    finally:
        await connection.close()
    return people


class Fetching:
    """A client that asks at a steady rate, whether the last answer came or not; each wait is from when it was to ask."""

    def __init__(self, ring: Keyring, people: Sequence[SubjectId], rate: int, keys: int) -> None:
        self._ring, self._people, self._rate, self._keys = ring, people, rate, keys
        self._random = Random(7)
        self.waits: list[float] = []
        self.failed = 0

    async def run(self, stop: asyncio.Event) -> None:
        async with self._ring.http() as http, asyncio.TaskGroup() as group:
            began, asked = monotonic(), 0
            while not stop.is_set():
                due = began + asked / self._rate
                await asyncio.sleep(max(due - monotonic(), 0))
                group.create_task(self._fetch(http, due))
                asked += 1

    async def _fetch(self, http: httpx.AsyncClient, due: float) -> None:
        wanted = [
            {"subject_id": str(who), "category": CATEGORY} for who in self._random.sample(self._people, self._keys)
        ]
        answer = await http.post("/keys/fetch", json={"keys": wanted}, headers=self._ring.token(SERVICE))
        if answer.status_code != 200 or any(key["key"] is None for key in answer.json()["keys"]):
            self.failed += 1
        self.waits.append((monotonic() - due) * 1000)

    def told(self) -> str:
        cuts = statistics.quantiles(self.waits, n=1000)
        return f"p50 {cuts[499]:.1f} ms, p95 {cuts[949]:.1f} ms, p99 {cuts[989]:.1f} ms ({len(self.waits)} fetches)"


async def serve_without(ring: Keyring, people: Sequence[SubjectId], rate: int, keys: int, seconds: float) -> Fetching:
    fetching, stop = Fetching(ring, people, rate, keys), asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await fetching.run(stop)
    return fetching


async def serve_while_rotating(
    ring: Keyring, people: Sequence[SubjectId], rate: int, keys: int
) -> tuple[Fetching, Mapping[str, str]]:
    fetching, stop = Fetching(ring, people, rate, keys), asyncio.Event()
    running = asyncio.create_task(fetching.run(stop))
    async with ring.http() as http:
        await http.post("/keyring/rotation", headers=ring.token("operator"))
        while True:
            latest = (await http.get("/keyring/rotation", headers=ring.token("operator"))).json()["latest"]
            if latest["done_at"] is not None:
                break
            if latest["stopped_by"] is not None:
                raise RuntimeError(latest["stopped_by"])
            await asyncio.sleep(0.5)
    stop.set()
    await running
    return fetching, latest


async def forgetting(ring: Keyring, people: Sequence[SubjectId]) -> list[float]:
    """Seconds from a destruction until a process whose push is cut can read the key no more."""
    destruction = Destruction(DestroyedLedger(ring.kek_dir))
    took: list[float] = []
    connection = await connect(ring.dsn)
    async with ring.http() as http:
        signer = ring.identities.signer(SERVICE, SystemClock())
        keys = SubjectKeys(http, signer, SystemClock(), frozenset({CATEGORY}))
        following = asyncio.create_task(follow_destroyed(keys))
        await asyncio.sleep(1)
        names = [KeyName(who, CATEGORY) for who in people]
        await keys.fetch(names)

        async def one(name: KeyName, after: float) -> None:
            await asyncio.sleep(after)
            async with lock, connection.transaction():
                await destruction.destroy(connection, [Destroyed(name, SystemClock().now())])
            since = monotonic()
            while (await keys.fetch([name])).find(name) is not None:
                await asyncio.sleep(0.01)
            took.append(monotonic() - since)

        lock = asyncio.Lock()
        await asyncio.gather(*(one(name, number * 0.05) for number, name in enumerate(names)))
        following.cancel()
    await connection.close()
    return took


def _seconds(rotation: Mapping[str, str], since: str, until: str) -> float:
    return (datetime.fromisoformat(rotation[until]) - datetime.fromisoformat(rotation[since])).total_seconds()


async def measure(count: int, rate: int, keys: int, seconds: float, destroyed: int) -> None:
    with ExitStack() as stack:
        postgres = await asyncio.to_thread(start_postgres, DirectPostgres)
        stack.callback(postgres.stop)
        kafka = await asyncio.to_thread(start_kafka)
        stack.callback(kafka.stop)
        with tempfile.TemporaryDirectory(prefix="tillit-rotation-") as folder:
            async with keyring(postgres, kafka, Path(folder)) as ring:
                people = await fill(ring, count)
                without = await serve_without(ring, people, rate, keys, seconds)
                print(f"{rate} fetches/s of {keys} keys, no rotation:  {without.told()}", flush=True)
                within, rotation = await serve_while_rotating(ring, people, rate, keys)
                print(f"{rate} fetches/s of {keys} keys, rotating:     {within.told()}", flush=True)
                rewrapping = _seconds(rotation, "asked_at", "rewrapped_at")
                print(
                    f"{int(rotation['rewrapped']):,} keys re-wrapped in {rewrapping:.1f} s"
                    f" ({int(rotation['rewrapped']) / rewrapping:,.0f} keys/s), backed up and"
                    f" {int(rotation['proved_keys']):,} opened in {_seconds(rotation, 'rewrapped_at', 'proved_at'):.1f} s,"
                    f" whole rotation {_seconds(rotation, 'asked_at', 'done_at'):.1f} s;"
                    f" fetches that failed: {without.failed} without, {within.failed} within"
                )
                took = sorted(await forgetting(ring, people[:destroyed]))
                cuts = statistics.quantiles(took, n=100)
                print(
                    f"unreadable where the push is cut: p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s ({destroyed} keys)"
                )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rotation", description=__doc__)
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=40, help="fetches a second")
    parser.add_argument("--each", type=int, default=20, help="keys of one fetch")
    parser.add_argument("--seconds", type=float, default=20, help="how long without a rotation")
    parser.add_argument("--destroyed", type=int, default=200)
    told = parser.parse_args()
    uvloop.run(measure(told.keys, told.rate, told.each, told.seconds, told.destroyed))


if __name__ == "__main__":
    main()
