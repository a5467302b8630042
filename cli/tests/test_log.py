"""`tillit log verify` finds a whole log whole, and names what is wrong with any other, with an exit code that says so."""

import subprocess
import sys
from collections.abc import AsyncIterator, Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from contracts.log_audit import LogBroken
from contracts.log_leaf import leaf_of
from contracts.log_tiles import CHECKPOINT, WIDTH, Tile, grown, pack_bundle
from contracts.merkle import leaf_hash, root_of
from contracts.notes import ED25519, Checkpoint, Note, NoteKey, Signature
from contracts.profile import ProfileCorrected
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tillit_cli import log_files
from tillit_cli.log_rows import Compared, compare
from tillit_cli.operator_calls import LogEntry, LogRow
from tillit_cli.patient_http import Unreachable

HOUR = datetime(2026, 1, 2, 8, tzinfo=UTC)
SIZE = 300


@dataclass
class PublishedLog:
    """A log's folder and its key."""

    folder: Path
    key: NoteKey
    leaves: Sequence[bytes]

    def verify(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "tillit_cli.main", "log", "verify", *arguments, "--key", str(self.key)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def change(self, path: str, at: int) -> None:
        data = bytearray((self.folder / path).read_bytes())
        data[at] ^= 1
        (self.folder / path).write_bytes(data)


def commitment(number: int) -> bytes:
    return sha256(str(number).encode()).digest()


@pytest.fixture
def published(tmp_path: Path) -> PublishedLog:
    private = Ed25519PrivateKey.generate()
    key = NoteKey("log.example/cli", ED25519, private.public_key().public_bytes_raw())
    leaves = [leaf_of(ProfileCorrected.type, "profile", HOUR, commitment(n)).to_bytes() for n in range(SIZE)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    files = {tile.path: data for tile, data in grown(0, [], hashes)}
    for bundle in (Tile(None, 0), Tile(None, 1, SIZE - WIDTH)):
        files[bundle.path] = pack_bundle(leaves[bundle.number * WIDTH :][: bundle.width])
    text = Checkpoint(key.name, SIZE, root_of(hashes)).text()
    files[CHECKPOINT] = Note(text, (Signature(key.name, key.id, private.sign(text.encode())),)).to_bytes()
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return PublishedLog(tmp_path, key, leaves)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def url(published: PublishedLog) -> Generator[str]:
    """Where a plain file server serves it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(published.folder))) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_a_whole_log_is_verified_in_its_folder_and_where_it_is_served(published: PublishedLog, url: str) -> None:
    for where in (["--folder", str(published.folder)], ["--url", url]):
        done = published.verify(*where)
        assert done.returncode == 0, done.stderr
        assert f"{SIZE} entries of log.example/cli: every entry, every tile and the root agree." in done.stdout


def test_the_first_wrong_entry_is_named_and_the_exit_code_says_so(published: PublishedLog, url: str) -> None:
    length = len(published.leaves[0]) + 2
    published.change(Tile(None, 1, SIZE - WIDTH).path, 4 * length + 30)
    for where in (["--folder", str(published.folder)], ["--url", url]):
        done = published.verify(*where)
        assert done.returncode == 1
        assert done.stderr == "tillit: entry 260: it does not hash to its place in the tree\n"


@pytest.mark.parametrize("path", [CHECKPOINT, Tile(0, 0).path, Tile(1, 0, 1).path])
def test_a_changed_checkpoint_or_tile_is_found(published: PublishedLog, path: str) -> None:
    published.change(path, 25)
    assert published.verify("--folder", str(published.folder)).returncode == 1


def test_a_missing_file_is_named(published: PublishedLog, url: str) -> None:
    (published.folder / Tile(0, 0).path).unlink()
    for where in (["--folder", str(published.folder)], ["--url", url]):
        assert published.verify(*where).stderr == "tillit: tile/0/000 is missing\n"


def test_a_log_that_does_not_answer_is_no_broken_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "TRIES", 1)
    with log_files.LogAtUrl("http://127.0.0.1:9") as nowhere, pytest.raises(Unreachable):
        nowhere.read(CHECKPOINT)


def test_without_a_key_nobody_elses_log_is_believed(published: PublishedLog) -> None:
    command = [sys.executable, "-m", "tillit_cli.main", "log", "verify", "--folder", str(published.folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tillit log key" in done.stderr


def row(number: int, leaf: bytes) -> LogRow:
    entry = LogEntry.model_construct(
        position=number + 5,
        type=ProfileCorrected.type,
        source="profile",
        schema_name=f"schemas/{ProfileCorrected.type}.json",
        hour=HOUR,
        commitment=commitment(number),
    )
    return LogRow.model_construct(index=number, leaf=leaf, entry=entry)


async def given(rows: Sequence[LogRow]) -> AsyncIterator[LogRow]:
    for one in rows:
        yield one


async def compared(rows: Sequence[LogRow], published: PublishedLog) -> Compared:
    return await compare(given(rows), [leaf_hash(leaf) for leaf in published.leaves], lambda done, of: None)


async def test_rows_that_are_the_log_are_found_to_be(published: PublishedLog) -> None:
    rows = [row(number, leaf) for number, leaf in enumerate(published.leaves)]
    assert await compared(rows, published) == (SIZE, 0)
    assert await compared([*rows, row(SIZE, b"not published yet")], published) == (SIZE, 0)
    replayed = [*rows[:-1], rows[-1].model_copy(update={"entry": None})]
    assert await compared(replayed, published) == (SIZE, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "profile.deleted.v2"),
        ("source", "retention"),
        ("schema_name", "schemas/other.json"),
        ("hour", HOUR + timedelta(hours=1)),
        ("commitment", commitment(1_000)),
    ],
)
async def test_the_first_changed_row_is_named(published: PublishedLog, field: str, value: object) -> None:
    rows = [row(number, leaf) for number, leaf in enumerate(published.leaves)]
    for wrong in (7, 8):
        entry = rows[wrong].entry
        assert entry is not None
        rows[wrong] = rows[wrong].model_copy(update={"entry": entry.model_copy(update={field: value})})
    with pytest.raises(LogBroken, match=r"entry 7: the row at position 12 has another") as found:
        await compared(rows, published)
    assert field.removesuffix("_name") in str(found.value)


async def test_a_row_that_is_missing_or_has_other_bytes_is_named(published: PublishedLog) -> None:
    rows = [row(number, leaf) for number, leaf in enumerate(published.leaves)]
    with pytest.raises(LogBroken, match="entry 9: the database has no row"):
        await compared([*rows[:9], *rows[10:]], published)
    with pytest.raises(LogBroken, match="entry 299: the database has no row"):
        await compared(rows[:-1], published)
    with pytest.raises(LogBroken, match="entry 4: the database has other bytes"):
        await compared([*rows[:4], rows[4].model_copy(update={"leaf": published.leaves[5]}), *rows[5:]], published)


@pytest.mark.parametrize("number", [0, 255, 256, SIZE - 1])
async def test_every_changed_byte_of_a_stored_row_is_found(published: PublishedLog, number: int) -> None:
    """Of its leaf, and of the commitment of its entry: the first, the last, and those beside the tiles' border."""
    rows = [row(each, leaf) for each, leaf in enumerate(published.leaves)]
    whole, entry = published.leaves[number], rows[number].entry
    assert entry is not None
    for at in range(len(whole)):
        rows[number] = row(number, whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(LogBroken, match=f"^entry {number}: "):
            await compared(rows, published)
    for at in range(len(entry.commitment)):
        changed = entry.commitment[:at] + bytes([entry.commitment[at] ^ 1 << at % 8]) + entry.commitment[at + 1 :]
        rows[number] = row(number, whole).model_copy(update={"entry": entry.model_copy(update={"commitment": changed})})
        with pytest.raises(LogBroken, match=f"^entry {number}: .*commitment"):
            await compared(rows, published)
