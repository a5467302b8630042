"""The audit log and a witness, each as it runs: what is published is cosigned, and published all the same without."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from audit_log_service.app import build
from audit_log_service.growing import empty, grow
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey, is_signed
from audit_log_service.log_measures import LogMeasures
from audit_log_service.sequencer import Sequencer
from audit_log_service.settings import AuditLogSettings
from audit_log_service.witness import Witness as WitnessAsked
from chassis.clock import MovedClock
from chassis.metrics import Metrics
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing import KeyringServer, Postgres, open_service
from contracts.log_audit import audit
from contracts.notes import Note, NoteKey, signed_by
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from local_stack.witness import Witness, application

ORIGIN = "log.example/town"
AT = datetime(2026, 1, 2, 8, tzinfo=UTC)


@asynccontextmanager
async def serving(witness: Witness) -> AsyncGenerator[str]:
    """The witness on a port of its own; the answer is its URL."""
    config = uvicorn.Config(application(witness), host="127.0.0.1", port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while True:
        await asyncio.sleep(0.01)
        if server.started:
            break
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task


class Town:
    """One log's folder, its service, and who witnesses it. Measures are those of the newest sequencer."""

    def __init__(self, service: Service, root: Path, key: LogKey) -> None:
        self.service, self.folder, self.key, self.metrics = service, LogFolder(root), key, Metrics()

    def sequencer(self, url: str, witness: NoteKey) -> Sequencer:
        self.metrics = Metrics()
        asked = WitnessAsked(url, witness)
        return Sequencer(lambda: self.service.database, self.folder, lambda: self.key, LogMeasures(self.metrics), asked)

    async def happen(self, first: int, count: int) -> None:
        """So many events more."""
        async with borrow(self.service.database.pool) as connection:
            await connection.execute(
                "INSERT INTO entries (topic, partition, record_offset, type, source, schema, hour, commitment)"
                " SELECT 't', 0, n, 'a.happened.v1', 'town', 's', $3, sha256(n::text::bytea)"
                " FROM generate_series($1::int, $2::int) AS n",
                first,
                first + count - 1,
                AT,
            )

    def shown(self) -> Note:
        found = self.folder.checkpoint(self.key.public, is_signed)
        assert found is not None
        return found[1]

    def measured(self, name: str) -> str:
        lines = self.metrics.exposition().decode().splitlines()
        return next(line.rpartition(" ")[2] for line in lines if line.startswith(f"tillit_log_{name} "))


@asynccontextmanager
async def a_town(postgres: Postgres, keyring: KeyringServer, folder: Path) -> AsyncGenerator[Town]:
    root, key_file = folder / "log", folder / "log.pem"
    root.mkdir()
    private = Ed25519PrivateKey.generate()
    key_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    async with open_service(
        build,
        AuditLogSettings,
        postgres,
        keyring,
        log_dir=root,
        log_key_file=key_file,
        log_origin=ORIGIN,
    ) as service:
        yield Town(service, root, LogKey(ORIGIN, private))


def a_witness(town: Town, folder: Path) -> Witness:
    folder.mkdir(exist_ok=True)
    return Witness("witness.example/w", Ed25519PrivateKey.generate(), [town.key.public], folder, MovedClock(AT))


async def test_every_checkpoint_is_cosigned_as_the_log_grows(
    postgres: Postgres, keyring: KeyringServer, tmp_path: Path
) -> None:
    async with a_town(postgres, keyring, tmp_path) as town:
        witness = a_witness(town, tmp_path / "witness")
        async with serving(witness) as url:
            sequencer, first = town.sequencer(url, witness.key), 0
            for count in (1, 5, 300):
                await town.happen(first, count)
                first += count
                await sequencer.take_turn()
                assert signed_by(town.shown(), witness.key, is_signed)
            assert witness.last(ORIGIN)[0] == first
            assert town.measured("cosigned_size") == f"{first}.0"
            audit(town.folder.read, town.key.public, is_signed, witnesses=[witness.key])

            # a new process has forgotten what the witness remembers, and is told
            await town.happen(first, 2)
            await town.sequencer(url, witness.key).take_turn()
            assert signed_by(town.shown(), witness.key, is_signed)


async def test_without_its_witness_the_log_goes_on_and_says_so(
    postgres: Postgres, keyring: KeyringServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit_log_service.sequencer._WITNESS_AGAIN_SECONDS", 0.0)
    async with a_town(postgres, keyring, tmp_path) as town:
        witness = a_witness(town, tmp_path / "witness")
        async with serving(witness) as url:
            sequencer = town.sequencer(url, witness.key)
            await town.happen(0, 3)
            await sequencer.take_turn()
        await town.happen(3, 4)
        await sequencer.take_turn()
        assert town.shown().text.split("\n")[1] == "7"
        assert not signed_by(town.shown(), witness.key, is_signed)
        assert town.measured("cosigned_size") == "3.0"
        async with serving(witness) as url:  # it is back: what was published is cosigned without anything new
            await town.sequencer(url, witness.key).take_turn()
            assert signed_by(town.shown(), witness.key, is_signed)


async def test_a_log_that_was_forked_gets_no_cosignature(
    postgres: Postgres, keyring: KeyringServer, tmp_path: Path
) -> None:
    async with a_town(postgres, keyring, tmp_path) as town:
        witness = a_witness(town, tmp_path / "witness")
        (tmp_path / "fork").mkdir()
        fork = LogFolder(tmp_path / "fork")
        other = grow(fork, empty(ORIGIN), [f"another past {n}".encode() for n in range(5)])
        async with serving(witness) as url:
            note = town.key.sign(other)
            await WitnessAsked(url, witness.key).cosign(note, other, lambda _: [])
            await town.happen(0, 9)
            await town.sequencer(url, witness.key).take_turn()
        assert not signed_by(town.shown(), witness.key, is_signed)
        assert witness.last(ORIGIN) == (5, other.root)


async def test_what_another_signs_in_the_witness_name_is_not_published(
    postgres: Postgres, keyring: KeyringServer, tmp_path: Path
) -> None:
    async with a_town(postgres, keyring, tmp_path) as town:
        stranger = a_witness(town, tmp_path / "stranger")
        believed = NoteKey(stranger.key.name, stranger.key.algorithm, bytes(32))
        async with serving(stranger) as url:
            await town.happen(0, 3)
            await town.sequencer(url, believed).take_turn()
        assert len(town.shown().signatures) == 1
