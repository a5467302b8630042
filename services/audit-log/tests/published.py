"""A test's published log: its folder, its key, and the audit that anybody can make of it."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from audit_log_service.app import build
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey, is_signed
from audit_log_service.log_measures import LogMeasures
from audit_log_service.sequencer import Sequencer
from audit_log_service.settings import AuditLogSettings
from audit_log_service.witness import Witness
from chassis.metrics import Metrics
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.keyring import KeyringServer
from chassis.testing.services import open_service
from contracts.log_audit import Audited, audit, audit_others
from contracts.log_leaf import Leaf, read_leaf
from contracts.log_tiles import WIDTH, Tile, unpack_bundle
from contracts.notes import Checkpoint
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

ORIGIN = "log.example/test"


@dataclass
class Published:
    """One log as the outside sees it."""

    root: Path
    key_file: Path
    key: LogKey

    @classmethod
    def new(cls, folder: Path) -> "Published":
        root, key_file = folder / "log", folder / "log.pem"
        root.mkdir()
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key_file.write_bytes(pem)
        private = load_pem_private_key(pem, None)
        assert isinstance(private, Ed25519PrivateKey)
        return cls(root, key_file, LogKey(ORIGIN, private))

    def open(
        self, postgres: Postgres, keyring: KeyringServer, *, kafka: Kafka | None = None, topic_prefix: str = ""
    ) -> AbstractAsyncContextManager[Service]:
        """The service that publishes it."""
        return open_service(
            build,
            AuditLogSettings,
            postgres,
            keyring,
            kafka=kafka,
            topic_prefix=topic_prefix,
            log_dir=self.root,
            log_key_file=self.key_file,
            log_origin=ORIGIN,
        )

    @property
    def folder(self) -> LogFolder:
        return LogFolder(self.root)

    def sequencer(self, service: Service, witness: Witness | None = None) -> Sequencer:
        """A worker's sequencer; each call makes another worker's."""
        return Sequencer(lambda: service.database, self.folder, lambda: self.key, LogMeasures(Metrics()), witness)

    def checkpoint(self) -> Checkpoint:
        found = self.folder.checkpoint(self.key.public, is_signed)
        assert found is not None, "nothing is published"
        return found[0]

    def audit(self) -> Audited:
        """Everything that is published, checked as a stranger would, every file of the folder too.

        Raises:
            LogBroken: it is not whole.
        """
        audited = audit(self.folder.read, self.key.public, is_signed)
        audit_others(self.folder.read, self.paths(), audited)
        return audited

    def paths(self) -> list[str]:
        files = (path for path in self.root.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(str(path.relative_to(self.root)) for path in files)

    def leaves(self) -> list[Leaf]:
        size = self.checkpoint().size
        found: list[Leaf] = []
        for number in range(-(-size // WIDTH)):
            bundle = Tile(None, number, min(WIDTH, size - number * WIDTH))
            found += [read_leaf(entry) for entry in unpack_bundle(self.folder.read(bundle.path))]
        return found


async def commitments(service: Service) -> set[bytes]:
    """Of every entry there is."""
    async with borrow(service.database.pool) as connection:
        return {row["commitment"] for row in await connection.fetch("SELECT commitment FROM entries")}
