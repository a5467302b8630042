"""`python -m benchmarks.log`: what the verifiable log costs: appends beside plain inserts, proofs, verification."""

import argparse
import asyncio
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import uvloop
from audit_log_service import entries
from audit_log_service.app import build
from audit_log_service.entries import NewEntry, RecordPlace
from audit_log_service.growing import empty, first_row_needed, grow
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey, is_signed
from audit_log_service.log_measures import LogMeasures
from audit_log_service.sequencer import ROUND, Sequencer
from audit_log_service.settings import AuditLogSettings
from chassis.metrics import Metrics
from chassis.process import tune_memory
from chassis.service import Service
from chassis.sql import Connection, borrow, connect
from chassis.testing.containers import start_postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service, surroundings
from contracts.envelope import dataschema
from contracts.log_audit import audit
from contracts.log_leaf import leaf_of
from contracts.log_tiles import TiledTree
from contracts.merkle import consistency_proof, inclusion_proof
from contracts.notes import EntryProof
from contracts.profile import ProfileCorrected
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.rig import DirectPostgres
from chassis import logs

BATCH = 500
PROOFS = 2_000
HOUR = datetime(2026, 1, 2, 8, tzinfo=UTC)
_COLUMNS = "topic, partition, record_offset, type, source, schema, hour, commitment"


def new_entries(first: int, count: int) -> list[NewEntry]:
    return [
        NewEntry(
            RecordPlace("profile.v1", n % 6, n),
            ProfileCorrected.type,
            "profile",
            dataschema(ProfileCorrected.type),
            HOUR,
            sha256(str(n).encode()).digest(),
        )
        for n in range(first, first + count)
    ]


async def insert_plainly(connection: Connection, batch: Sequence[NewEntry]) -> None:
    """What `entries.append` does, into the same table with the same indexes, and nothing that waits for a leaf."""
    await connection.execute(
        f"INSERT INTO plain ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[],"
        f" $5::text[], $6::text[], $7::timestamptz[], $8::bytea[]) AS e({_COLUMNS})",
        [entry.place.topic for entry in batch],
        [entry.place.partition for entry in batch],
        [entry.place.offset for entry in batch],
        [entry.type for entry in batch],
        [entry.source for entry in batch],
        [entry.schema for entry in batch],
        [entry.hour for entry in batch],
        [entry.commitment for entry in batch],
    )


async def plain_rate(service: Service, batches: Sequence[Sequence[NewEntry]]) -> float:
    """Rows per second, each batch in a transaction of its own."""
    began = time.perf_counter()
    for batch in batches:
        async with borrow(service.database.pool) as connection, connection.transaction():
            await insert_plainly(connection, batch)
    return sum(map(len, batches)) / (time.perf_counter() - began)


async def log_rate(
    service: Service, batches: Sequence[Sequence[NewEntry]], sequencer: Sequencer
) -> tuple[float, float]:
    """Entries per second until they are stored; and until all are in the published, signed tree as well.

    The sequencer takes turns while entries are stored, as it does beside the workers' batches.
    """
    began = time.perf_counter()

    async def store() -> float:
        for batch in batches:
            async with borrow(service.database.pool) as connection, connection.transaction():
                await entries.append(connection, batch)
        return time.perf_counter() - began

    storing = asyncio.create_task(store())
    while not storing.done():
        await sequencer.take_turn()
        await asyncio.sleep(0.01)
    stored = await storing
    await sequencer.take_turn()
    published = time.perf_counter() - began
    count = sum(map(len, batches))
    return count / stored, count / published


class DurablePostgres(DirectPostgres):
    """Syncs what it commits, as a server does by default and as the log does with its files."""

    def __init__(self, image: str) -> None:
        super().__init__(image)
        self.with_command(["postgres", "-c", "max_connections=300"])


async def appends(events: int, rounds: int, server: type[DirectPostgres]) -> list[str]:
    lines: list[str] = []
    async with AsyncExitStack() as stack:
        postgres = await asyncio.to_thread(start_postgres, server)
        stack.callback(postgres.stop)
        keyring = await stack.enter_async_context(KeyringServer())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path.cwd())))
        private, key_file = Ed25519PrivateKey.generate(), folder / "log.pem"
        key_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        service = await stack.enter_async_context(
            open_service(
                build,
                AuditLogSettings,
                postgres,
                keyring,
                log_dir=folder,
                log_key_file=key_file,
                log_origin="log.example/bench",
            )
        )
        owner = await connect(surroundings(service).database.admin_dsn)
        await owner.execute("CREATE TABLE plain (LIKE entries INCLUDING ALL)")
        await owner.execute("GRANT ALL ON plain TO audit_log")
        await owner.close()
        key = LogKey("log.example/bench", private)
        sequencer = Sequencer(lambda: service.database, LogFolder(folder), lambda: key, LogMeasures(Metrics()))
        ratios: list[float] = []
        for number in range(rounds):
            made = new_entries(number * events, events)
            batches = [made[at : at + BATCH] for at in range(0, events, BATCH)]
            plain = await plain_rate(service, batches)
            stored, published = await log_rate(service, batches, sequencer)
            ratios.append(published / plain)
            lines.append(
                f"plain inserts {plain:,.0f}/s; entries stored {stored:,.0f}/s; stored and published"
                f" {published:,.0f}/s: ratio {published / plain:.2f}"
            )
        lines.append(f"appends beside plain batched inserts: {statistics.median(ratios):.2f} (aim: >= 0.5)")
    return lines


def build_log(folder: LogFolder, key: LogKey, size: int) -> float:
    """A log of so many leaves, as the sequencer makes it, without a database; leaves per second."""
    began, published = time.perf_counter(), empty(key.public.name)
    first, kept = 0, list[bytes]()
    while published.size < size:
        upto = min(size, published.size + ROUND)
        needed = first_row_needed(published.size)
        first, kept = needed, kept[needed - first :]
        for n in range(published.size, upto):
            leaf = leaf_of(ProfileCorrected.type, "profile", HOUR, sha256(str(n).encode()).digest())
            kept.append(leaf.to_bytes())
        published = grow(folder, published, kept)
    folder.publish(key.sign(published))
    return size / (time.perf_counter() - began)


def proofs_and_verification(size: int) -> list[str]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder, key = LogFolder(Path(name)), LogKey("log.example/bench", Ed25519PrivateKey.generate())
        rate = build_log(folder, key, size)
        found = folder.checkpoint(key.public, is_signed)
        if found is None:
            raise LookupError("no checkpoint")
        checkpoint, note = found
        times: list[float] = []
        consistency: list[float] = []
        sizes: list[int] = []
        for _ in range(PROOFS):
            index = secrets.randbelow(size)
            began = time.perf_counter()
            path = inclusion_proof(index, size, TiledTree(size, folder.tile).part)
            times.append(time.perf_counter() - began)
            sizes.append(len(EntryProof(index, tuple(path), note).to_bytes()))
            began = time.perf_counter()
            consistency_proof(index + 1, size, TiledTree(size, folder.tile).part)
            consistency.append(time.perf_counter() - began)
        began = time.perf_counter()
        audit(folder.read, key.public, is_signed)
        verified = time.perf_counter() - began
        stored = sum(file.stat().st_size for file in Path(name).rglob("*") if file.is_file())
        return [
            f"{size:,} leaves; tree and tiles {rate:,.0f} leaves/s; {stored / size:.0f} bytes of file a leaf",
            f"inclusion proof: {_milliseconds(times)} (aim: < 5 ms); consistency proof: {_milliseconds(consistency)}",
            f"a proof of one entry (tlog-proof): {statistics.median(sizes):.0f} bytes",
            f"full verification: {verified:.1f} s, {checkpoint.size / verified:,.0f} leaves/s",
        ]


def _milliseconds(times: Sequence[float]) -> str:
    ordered = sorted(times)
    return f"p50 {ordered[len(ordered) // 2] * 1e3:.2f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1e3:.2f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.log", description=__doc__)
    parser.add_argument("--leaves", type=int, default=1_000_000, help="of the tree that is proved from and verified")
    parser.add_argument("--events", type=int, default=20_000, help="of each round of appends")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--careless", action="store_true", help="PostgreSQL syncs nothing: what the processors do shows, not the disk"
    )
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    tune_memory()
    print(f"{os.cpu_count()} cores")
    for line in (
        *uvloop.run(appends(args.events, args.rounds, DirectPostgres if args.careless else DurablePostgres)),
        *proofs_and_verification(args.leaves),
    ):
        print(line)


if __name__ == "__main__":
    main()
