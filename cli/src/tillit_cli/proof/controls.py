"""Plants plain strings where a person's could be, to show that the search finds them there: in PostgreSQL's heap, TOAST,
index and log files and through its rows, in a Kafka segment, and in a log file."""

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from local_stack.stack import StackInfo

from tillit_cli.proof.byte_search import Hit
from tillit_cli.proof.needles import Needle
from tillit_cli.proof.stored_rows import CopyConnection, StoredRows

_DATABASE: Final = "profile"
_TOAST_CHUNK: Final = 1996
"""How PostgreSQL cuts a value that it stores outside its row: each needle gets a piece of its own."""
_SCRATCH: Final = (
    "CREATE TABLE {0} (content bytea)",
    "ALTER TABLE {0} ALTER COLUMN content SET STORAGE EXTERNAL",
    "CREATE INDEX {0}_content ON {0} (content) WHERE length(content) < 1000",
)
_PATHS: Final = """
    SELECT pg_relation_filepath(c.oid) AS heap, pg_relation_filepath(i.indexrelid) AS index,
           pg_relation_filepath(c.reltoastrelid) AS toast
      FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid WHERE c.oid = $1::text::regclass
"""


@dataclass(frozen=True, slots=True)
class Planted:
    """Where the needles were put: each file of a place that must be found to hold each of them."""

    needles: Sequence[Needle]
    files: Sequence[tuple[str, str, str]]
    """What it is (as `PostgreSQL heap`), its place, and the beginning of the file's name in it."""

    def missed(self, hits: set[Hit]) -> dict[str, list[Needle]]:
        """By what it is: the needles that the search should have found there and has not."""
        return {
            what: [
                needle
                for needle in self.needles
                if not any(hit.needle == needle and hit.place == place and hit.where.startswith(where) for hit in hits)
            ]
            for what, place, where in self.files
        }


@asynccontextmanager
async def planted(info: StackInfo, stored: StoredRows, needles: Sequence[Needle]) -> AsyncGenerator[Planted]:
    """The needles lie there while this runs; the table, the topic and the file are gone afterwards."""
    name = f"proof_control_{secrets.token_hex(4)}"
    log = info.logs / f"{name}.log"
    async with stored.connected(_DATABASE) as connection:
        try:
            paths = await _plant_in_postgres(connection, name, needles)
            await _plant_in_kafka(info.kafka_bootstrap, name, needles)
            _plant_in_log(log, needles)
            yield Planted(
                needles,
                [
                    ("PostgreSQL heap", "PostgreSQL", paths["heap"]),
                    ("PostgreSQL index", "PostgreSQL", paths["index"]),
                    ("PostgreSQL TOAST", "PostgreSQL", paths["toast"]),
                    ("PostgreSQL write-ahead log", "PostgreSQL", "pg_wal/"),
                    ("PostgreSQL rows, as read", "rows", f"{_DATABASE}.{name}"),
                    ("Kafka segment", "Kafka", f"{name}-0/"),
                    ("log file", "logs", log.name),
                ],
            )
        finally:
            await connection.execute(f"DROP TABLE IF EXISTS {name}")
            await _remove_topic(info.kafka_bootstrap, name)
            log.unlink(missing_ok=True)


async def checkpoint(stored: StoredRows) -> None:
    """Make PostgreSQL write everything that it holds in memory to its files."""
    async with stored.connected("postgres") as connection:
        await connection.execute("CHECKPOINT")


async def _plant_in_postgres(connection: CopyConnection, name: str, needles: Sequence[Needle]) -> dict[str, str]:
    for statement in _SCRATCH:
        await connection.execute(statement.format(name))
    insert = f"INSERT INTO {name} (content) VALUES ($1)"  # noqa: S608 - a name of our own
    await connection.executemany(insert, [(needle.content,) for needle in needles])
    await connection.execute(insert, b"".join(needle.content.ljust(_TOAST_CHUNK, b".") for needle in needles))
    row = await connection.fetchrow(_PATHS, name)
    if row is None:
        raise LookupError(name)
    return {"heap": row["heap"], "index": row["index"], "toast": row["toast"]}


async def _plant_in_kafka(bootstrap: str, name: str, needles: Sequence[Needle]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for needle in needles:
            await producer.send(name, needle.content, partition=0)
        await producer.flush()
    finally:
        await producer.stop()


async def _remove_topic(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if name in await admin.list_topics():
            await admin.delete_topics([name])
    finally:
        await admin.close()


def _plant_in_log(log: Path, needles: Sequence[Needle]) -> None:
    log.write_bytes(b"".join(needle.content + b"\n" for needle in needles))
