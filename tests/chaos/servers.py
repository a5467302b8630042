"""The broker and the database of the rig: each on a small disk that can be filled, the broker with a door per process."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, cast
from uuid import uuid4

import docker
from chassis.testing.containers import Kafka, Postgres, ServerNotReadyError, start_kafka, start_postgres
from chassis.testing.images import POSTGRES, image_for
from chassis.testing.ownership import labels_of
from docker.models.containers import Container
from docker.models.volumes import Volume

from tests.chaos.places import PROCESSES

_MOUNTED: Final = "/disk"
_SIZE: Final = "512m"


class SmallDisk:
    """A file system in memory, as a Docker volume. A container of its own keeps it while its server is down."""

    def __init__(self) -> None:
        self.name = f"tillit-chaos-{uuid4().hex[:12]}"
        self._volume: Volume | None = None
        self._keeper: Container | None = None

    def start(self) -> None:
        client, labels = docker.from_env(), labels_of(os.getpid())
        self._volume = client.volumes.create(
            self.name,
            driver="local",
            driver_opts={"type": "tmpfs", "device": "tmpfs", "o": f"size={_SIZE}"},
            labels=labels,
        )
        self._keeper = client.containers.run(
            image_for(POSTGRES),
            ["infinity"],
            entrypoint="sleep",
            detach=True,
            init=True,
            labels=labels,
            volumes={self.name: {"bind": _MOUNTED, "mode": "rw"}},
        )

    def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.remove(force=True)
        if self._volume is not None:
            self._volume.remove(force=True)

    def fill(self) -> None:
        """To the last byte."""
        self._run(f"cat /dev/zero > {_MOUNTED}/filled 2>/dev/null || true")

    def free(self) -> None:
        self._run(f"rm -f {_MOUNTED}/filled")

    def room(self) -> int:
        """Free bytes."""
        return int(self._run(f"df --output=avail --block-size=1 {_MOUNTED} | tail -n 1"))

    def _run(self, command: str) -> bytes:
        assert self._keeper is not None, "the disk was not started"
        code, output = cast("tuple[int, bytes]", self._keeper.exec_run(["sh", "-c", command]))
        if code:
            raise RuntimeError(f"{command} ended with {code}: {output.decode(errors='replace')}")
        return output


class ChaosKafka(Kafka):
    """A broker with its logs on a small disk."""

    def __init__(self, image: str) -> None:
        super().__init__(image, doors=PROCESSES)
        self._kept = [keep_port(door.advertised) for door in self.doors]
        self.disk = SmallDisk()
        self.with_volume_mapping(self.disk.name, "/tillit/data", "rw")

    def start(self) -> "ChaosKafka":
        self.disk.start()
        super().start()
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        super().stop(force, delete_volume)
        self.disk.stop()
        for port in self._kept:
            port.close()


class ChaosPostgres(Postgres):
    """A server with its data and its write-ahead log on a small disk."""

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.disk = SmallDisk()
        self.with_volume_mapping(self.disk.name, _MOUNTED, "rw")
        self.with_env("PGDATA", f"{_MOUNTED}/data")
        small = ("fsync=off", "full_page_writes=off", "max_connections=300", "max_wal_size=96MB", "min_wal_size=32MB")
        self.with_command(["postgres", *(part for setting in small for part in ("-c", setting))])

    def start(self) -> "ChaosPostgres":
        self.disk.start()
        super().start()
        return self

    def stop(self, force: bool = True, delete_volume: bool = True) -> None:
        super().stop(force, delete_volume)
        self.disk.stop()


def keep_port(port: int) -> socket.socket:
    """Nobody else is given this port until it is closed; who is to listen at it may all the same (SO_REUSEADDR on both)."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", port))
    return kept


@asynccontextmanager
async def full_disk(server: ChaosKafka | ChaosPostgres) -> AsyncGenerator[None]:
    """Within the block the server can write nothing more; afterwards it runs again, whatever that made of it."""
    await asyncio.to_thread(server.disk.fill)
    try:
        yield
    finally:
        await asyncio.to_thread(server.disk.free)
        try:
            await server.serve_again()
        except ServerNotReadyError:  # it ran still when it was to be started, and ended itself for what it met before
            await server.serve_again()


def start_servers() -> tuple[ChaosKafka, ChaosPostgres]:
    """Both, ready; stopped by whoever asked."""
    kafka = cast("ChaosKafka", start_kafka(ChaosKafka))
    try:
        return kafka, cast("ChaosPostgres", start_postgres(ChaosPostgres))
    except BaseException:
        kafka.stop()
        raise
