"""Go's `golang.org/x/mod/sumdb` (note and tlog), which know nothing of us, read our published log and check our proofs."""

import json
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest
from audit_log_service.growing import empty, first_row_needed, grow
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey
from contracts.log_leaf import leaf_of
from contracts.log_tiles import CHECKPOINT, Tile, TiledTree
from contracts.merkle import consistency_proof, inclusion_proof
from contracts.profile import ProfileCorrected
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE: Final = Path(__file__).parent / "readlog"
HOUR: Final = datetime(2026, 1, 2, 8, tzinfo=UTC)
ORIGIN: Final = "log.example/foreign"

Reader = Callable[["ALog", int], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def read_log(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The compiled program; asked for one entry of a log."""
    if shutil.which("go") is None:
        pytest.skip("Go is not installed here: no outside program has read the log (apt-get install -y golang-go)")
    folder = tmp_path_factory.mktemp("readlog")
    built = subprocess.run(
        ["go", "build", "-mod=readonly", "-o", str(folder / "readlog"), "."],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert built.returncode == 0, built.stderr

    def read(log: "ALog", entry: int) -> "subprocess.CompletedProcess[str]":
        asked = folder / "asked.json"
        asked.write_text(json.dumps(log.asked(entry)))
        return subprocess.run([folder / "readlog", asked], capture_output=True, text=True, timeout=60)

    return read


class ALog:
    """A log that our service's own code published in two steps."""

    def __init__(self, root: Path, old: int, size: int) -> None:
        root.mkdir()
        self.folder, self.key = LogFolder(root), LogKey(ORIGIN, Ed25519PrivateKey.generate())
        rows = [
            leaf_of(ProfileCorrected.type, "profile", HOUR, sha256(str(n).encode()).digest()).to_bytes()
            for n in range(size)
        ]
        self.old = grow(self.folder, empty(ORIGIN), rows[:old])
        self.now = grow(self.folder, self.old, rows[first_row_needed(old) :])
        assert self.folder.publish(self.key.sign(self.now))

    def asked(self, entry: int) -> dict[str, object]:
        tree = TiledTree(self.now.size, self.folder.tile)

        def texts(hashes: list[bytes]) -> list[str]:
            return [b64encode(one).decode() for one in hashes]

        return {
            "Folder": str(self.folder.root),
            "Key": str(self.key.public),
            "Entry": entry,
            "OldSize": self.old.size,
            "OldRoot": b64encode(self.old.root).decode(),
            "Inclusion": texts(inclusion_proof(entry, self.now.size, tree.part)),
            "Consistency": texts(consistency_proof(self.old.size, self.now.size, tree.part)),
        }

    def change(self, path: str) -> None:
        place = self.folder.root / path
        data = bytearray(place.read_bytes())
        data[len(data) // 2] ^= 1
        place.write_bytes(data)


@pytest.mark.parametrize(("old", "size"), [(1, 1), (1, 2), (200, 256), (256, 257), (300, 700), (513, 66_000)])
def test_go_believes_our_checkpoint_tiles_entries_and_proofs(
    tmp_path: Path, read_log: Reader, old: int, size: int
) -> None:
    log = ALog(tmp_path / "log", old, size)
    for entry in sorted({0, size // 2, size - 1}):
        done = read_log(log, entry)
        assert done.stdout == f"{size} entries, signed by {ORIGIN}\n", done.stderr


@pytest.mark.parametrize("path", [CHECKPOINT, Tile(0, 0).path, Tile(None, 0).path])
def test_go_does_not_believe_what_was_changed(tmp_path: Path, read_log: Reader, path: str) -> None:
    log = ALog(tmp_path / "log", 300, 700)
    in_the_middle = 128
    assert read_log(log, in_the_middle).returncode == 0
    log.change(path)
    done = read_log(log, in_the_middle)
    assert done.returncode != 0
    assert done.stdout == ""
