"""Guarantees real Kafka and PostgreSQL for tests, at an address that outlives being paused, killed and restarted."""

import asyncio
import contextlib
import os
import random
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from docker.errors import APIError
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from chassis.sql import Connection
from chassis.testing.engine import ensure_engine, say
from chassis.testing.images import KAFKA, POSTGRES, Recipe, image_for
from chassis.testing.ownership import labels_of, remove_left_behind

_KAFKA_FILES = Path(__file__).parent / "dockerfiles" / "kafka"
_CLUSTER_ID = "dGlsbGl0LXRlc3QtcmlnLQ"
_FIRST_DOOR = 9101
_READY_LIMIT_SECONDS = 60.0
_FREEZE_TRIES = 10
# below the kernel's range for outgoing connections: a client that retries a stopped server must not take its port
_PORTS = range(15000, 20000)


Server = TypeVar("Server", bound="Disturbable")


class ServerNotReadyError(RuntimeError):
    """A server did not come up in time; carries its last words."""


class Disturbable(DockerContainer, ABC):
    """A server on a fixed loopback port that a test may pause, restart or kill; address and data outlive all three."""

    port_outside: int
    _disturbed = False

    def listen_on(self, inside: int) -> None:
        self.ports.clear()  # testcontainers' own wish for one, at a port that a restart would change
        self.port_outside = self.publish(inside)

    def publish(self, inside: int) -> int:
        """Have a port of the container reachable at a fixed one of the loopback, which is the answer."""
        outside = free_port()
        # testcontainers passes this on to Docker as it is, and Docker knows (address, port) too
        cast("dict[str, object]", self.ports)[f"{inside}/tcp"] = ("127.0.0.1", outside)
        return outside

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server itself answers, not only what stands before its port."""

    async def pause(self) -> None:
        """Freeze every process; connections stay open and silent."""
        self._disturbed = True
        await asyncio.to_thread(self._freeze)

    async def unpause(self) -> None:
        await asyncio.to_thread(self.get_wrapped_container().unpause)
        self._disturbed = False

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncGenerator[None]:
        await self.pause()
        try:
            yield
        finally:
            await self.unpause()

    async def restart(self) -> None:
        """Stop in order, start, and return when it answers."""
        await asyncio.to_thread(self._again, lambda: self.get_wrapped_container().stop(timeout=20))

    async def crash(self) -> None:
        """SIGKILL, start, and return when it answers."""
        await asyncio.to_thread(self._again, self._end)

    async def stop_serving(self) -> None:
        """SIGKILL and stay away until `serve_again`."""
        self._disturbed = True
        await asyncio.to_thread(self._end)

    async def serve_again(self) -> None:
        await asyncio.to_thread(self._again, lambda: None)

    def revive(self) -> None:
        """Whatever a failed test left behind, the next one finds a server that answers."""
        if not self._disturbed:
            return
        container = self.get_wrapped_container()
        container.reload()
        if container.status == "paused":
            container.unpause()
        self._again(lambda: None)

    def _freeze(self) -> None:
        container = self.get_wrapped_container()
        for left in reversed(range(_FREEZE_TRIES)):
            try:
                container.pause()
            except APIError:  # "unable to freeze": a busy kernel does not always stop every task in time
                if not left:
                    raise
                time.sleep(0.5)
            else:
                return

    def _end(self) -> None:
        container = self.get_wrapped_container()
        container.kill()
        # until it has ended, `start` would find it running and do nothing
        container.wait(timeout=20)

    def _again(self, end: Callable[[], None]) -> None:
        self._disturbed = True
        end()
        self.get_wrapped_container().start()
        self.wait_until_it_answers()
        self._disturbed = False

    def wait_until_it_answers(self) -> None:
        began = time.monotonic()
        container = self.get_wrapped_container()
        while True:
            container.reload()
            if container.status == "running" and self.answers():
                return
            late = time.monotonic() - began > _READY_LIMIT_SECONDS
            if container.status == "exited" or late:
                last_words = container.logs(tail=30).decode(errors="replace")
                raise ServerNotReadyError(f"{self.image} is {container.status} and does not answer:\n{last_words}")
            time.sleep(0.05)


class Door(NamedTuple):
    """One more way in to a broker: it answers at `port`, and tells who came by it to come back to `advertised`.

    Nobody listens at `advertised` but who puts something between broker and client.
    """

    port: int
    advertised: int


class Kafka(Disturbable):
    """One Kafka node; `bootstrap` stays valid for the whole session. `doors`: how many more ways in it has."""

    def __init__(self, image: str, doors: int = 0) -> None:
        super().__init__(image)
        self.listen_on(9092)
        self.doors = [Door(self.publish(_FIRST_DOOR + number), free_port()) for number in range(doors)]
        properties = (_KAFKA_FILES / "server.properties").read_text()
        properties = _with_doors(properties.replace("ADVERTISED_PORT", str(self.port_outside)), self.doors)
        self.with_copy_into_container(properties.encode(), "/tillit/server.properties")
        self.with_copy_into_container((_KAFKA_FILES / "start.sh").read_bytes(), "/tillit/start.sh")
        self.with_env("CLUSTER_ID", _CLUSTER_ID)
        # root, since the registry's image runs as a user who may not write beside the copied files
        self.with_kwargs(labels=labels_of(os.getpid()), user="root", entrypoint=["/bin/sh", "/tillit/start.sh"])

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port_outside}"

    def answers(self) -> bool:
        """Whether the broker names itself in an answer to Metadata (v4): the proxy before it accepts too early."""
        request = struct.pack(">hhih", 3, 4, 1, -1) + struct.pack(">ib", 0, 0)
        try:
            with socket.create_connection(("127.0.0.1", self.port_outside), timeout=2) as connection:
                connection.sendall(struct.pack(">i", len(request)) + request)
                answer = b""
                while len(answer) < 16:
                    received = connection.recv(4096)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        brokers = struct.unpack(">iiii", answer[:16])[3]
        return brokers > 0

    async def create_topics(self, names: Iterable[str], partitions: int = 6) -> None:
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(name, partitions, 1) for name in names])

    async def delete_topics_of(self, prefix: str) -> None:
        async with self._admin() as admin:
            names = [name for name in await admin.list_topics() if name.startswith(prefix)]
            if names:
                await admin.delete_topics(names)

    @contextlib.asynccontextmanager
    async def _admin(self) -> AsyncGenerator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()


def _with_doors(properties: str, doors: Sequence[Door]) -> str:
    more = {
        "listeners": [f"DOOR{number}://0.0.0.0:{_FIRST_DOOR + number}" for number in range(len(doors))],
        "advertised.listeners": [f"DOOR{number}://127.0.0.1:{door.advertised}" for number, door in enumerate(doors)],
        "listener.security.protocol.map": [f"DOOR{number}:PLAINTEXT" for number in range(len(doors))],
    }
    lines = [",".join((line, *more.get(line.partition("=")[0], ()))) for line in properties.splitlines()]
    return "\n".join(lines) + "\n"


class Postgres(PostgresContainer, Disturbable):
    """One PostgreSQL 15 server without fsync: what it committed survives its own death, not the machine's."""

    def __init__(self, image: str) -> None:
        super().__init__(image, username="postgres", password="postgres", dbname="postgres", driver=None)
        self.listen_on(5432)
        self.with_env("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C.UTF-8")
        self.with_command(["postgres", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300"])
        self.with_kwargs(labels=labels_of(os.getpid()), shm_size="256m")

    @property
    def admin_dsn(self) -> str:
        return self.dsn(user="postgres", password="postgres", database="postgres")

    def dsn(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port_outside}/{database}"

    def admin(self) -> contextlib.AbstractAsyncContextManager[Connection]:
        """A superuser's connection to the server's own database."""
        return connected(self.admin_dsn)

    def answers(self) -> bool:
        """Whether it accepts connections over TCP: the first start of the registry's image listens on a socket only."""
        return self.exec(["pg_isready", "--host=127.0.0.1", "--quiet"]).exit_code == 0

    def _connect(self) -> None:
        self.wait_until_it_answers()


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[Connection]:
    """A connection that is closed at the end of the block."""
    connection = cast("asyncpg.Connection", await asyncpg.connect(dsn))
    try:
        yield connection
    finally:
        await connection.close()


def start_kafka(server_of: Callable[[str], Kafka] = Kafka) -> Kafka:
    return _started(KAFKA, server_of)


def start_postgres(server_of: Callable[[str], Postgres] = Postgres) -> Postgres:
    return _started(POSTGRES, server_of)


def _started(recipe: Recipe, server_of: Callable[[str], Server]) -> Server:
    ensure_engine()
    remove_left_behind()
    # ours are removed by label instead, so that it works the same where the reaper's image can't be had
    testcontainers_config.ryuk_disabled = True
    image = image_for(recipe)
    began = time.monotonic()
    server = server_of(image)
    with contextlib.ExitStack() as undo:
        undo.callback(server.stop)
        server.start()
        server.wait_until_it_answers()
        undo.pop_all()
    say(f"{image} answers at 127.0.0.1:{server.port_outside} after {time.monotonic() - began:.1f} s")
    return server


def free_port(among: range = _PORTS) -> int:
    """A port that nobody listens on now. Whoever leaves it for a while takes it among ports that others don't ask for."""
    for port in random.sample(among, k=200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerNotReadyError(f"200 ports tried in {among.start}-{among.stop}, none free: see `ss -ltn`")
