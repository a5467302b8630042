"""The witness signs one past only, whatever it is asked and however often it restarts, and answers as tlog-witness says."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from chassis.clock import MovedClock
from contracts.merkle import EMPTY_ROOT, Leaves, consistency_proof, leaf_hash, root_of
from contracts.notes import ED25519, Checkpoint, Note, NoteKey, Signature, read_signatures, signed_by, to_text
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from local_stack.witness import Witness, application

HASHES = [leaf_hash(str(n).encode()) for n in range(40)]
OTHERS = [leaf_hash(f"another {n}".encode()) for n in range(40)]
WITNESS_KEY = Ed25519PrivateKey.generate()


def check(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@dataclass
class ALog:
    """A log that says what a test wants it to."""

    name: str = "log.example/witnessed"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def key(self) -> NoteKey:
        return NoteKey(self.name, ED25519, self.private.public_key().public_bytes_raw())

    def note(self, size: int, hashes: Sequence[bytes] = HASHES) -> Note:
        text = Checkpoint(self.name, size, root_of(hashes[:size])).text()
        return Note(text, (Signature(self.name, self.key.id, self.private.sign(text.encode())),))

    def body(self, old: int, size: int, hashes: Sequence[bytes] = HASHES) -> bytes:
        def part(leaves: Leaves) -> bytes:
            return root_of(hashes[leaves.start : leaves.end])

        proof = consistency_proof(old, size, part) if 0 < old <= size else []
        head = "".join(f"{line}\n" for line in (f"old {old}", *map(to_text, proof), ""))
        return head.encode() + self.note(size, hashes).to_bytes()


@pytest.fixture
def log() -> ALog:
    return ALog()


@pytest.fixture
def witness(log: ALog, tmp_path: Path) -> Witness:
    return a_witness(log, tmp_path)


def a_witness(log: ALog, folder: Path) -> Witness:
    clock = MovedClock(datetime(2026, 1, 2, 8, 17, tzinfo=UTC))
    return Witness("witness.example/w", WITNESS_KEY, [log.key], folder, clock)


@pytest_asyncio.fixture
async def client(witness: Witness) -> AsyncGenerator[httpx.AsyncClient]:
    async with asking(witness) as opened:
        yield opened


def asking(witness: Witness) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(witness)), base_url="http://witness")


async def ask(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post("/add-checkpoint", content=body)


async def test_a_log_that_only_grows_is_cosigned(client: httpx.AsyncClient, witness: Witness, log: ALog) -> None:
    old = 0
    for size in (1, 2, 7, 7, 32, 40):
        answer = await ask(client, log.body(old, size))
        assert answer.status_code == 200, answer.text
        cosigned = Note(log.note(size).text, read_signatures(answer.text))
        assert signed_by(cosigned, witness.key, check)
        assert int.from_bytes(cosigned.signatures[0].value[:8], "big") == 1767341820
        old = size
    assert witness.last(log.name) == (40, root_of(HASHES))


async def test_who_does_not_know_its_size_is_told(client: httpx.AsyncClient, log: ALog) -> None:
    await ask(client, log.body(0, 7))
    for old in (0, 3, 8):
        answer = await ask(client, log.body(old, 9))
        assert (answer.status_code, answer.text) == (409, "7\n")
        assert answer.headers["Content-Type"].startswith("text/x.tlog.size")


async def test_another_past_is_never_signed(client: httpx.AsyncClient, witness: Witness, log: ALog) -> None:
    await ask(client, log.body(0, 7))
    assert (await ask(client, log.body(7, 9, OTHERS))).status_code == 422
    assert (await ask(client, log.body(7, 7, OTHERS))).status_code == 409
    with_part_of_it = [*HASHES[:6], *OTHERS[6:]]
    assert (await ask(client, log.body(7, 12, with_part_of_it))).status_code == 422
    assert witness.last(log.name) == (7, root_of(HASHES[:7]))
    assert (await ask(client, log.body(7, 9))).status_code == 200


async def test_a_restarted_witness_remembers(log: ALog, tmp_path: Path) -> None:
    async with asking(a_witness(log, tmp_path)) as client:
        assert (await ask(client, log.body(0, 7))).status_code == 200
    async with asking(a_witness(log, tmp_path)) as client:
        assert (await ask(client, log.body(0, 7, OTHERS))).status_code == 409
        assert (await ask(client, log.body(7, 8))).status_code == 200


async def test_of_two_at_once_one_is_signed(client: httpx.AsyncClient, log: ALog, witness: Witness) -> None:
    await ask(client, log.body(0, 7))
    answers = await asyncio.gather(*(ask(client, log.body(7, size)) for size in (8, 9, 10, 11)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert witness.last(log.name)[0] in (8, 9, 10, 11)


async def test_who_is_unknown_or_has_another_key_is_refused(client: httpx.AsyncClient, log: ALog) -> None:
    assert (await ask(client, ALog("log.example/unknown").body(0, 3))).status_code == 404
    assert (await ask(client, ALog(log.name).body(0, 3))).status_code == 403
    forged = log.body(0, 3).replace(to_text(root_of(HASHES[:3])).encode(), to_text(root_of(OTHERS[:3])).encode())
    assert (await ask(client, forged)).status_code == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *((b"old 0\n", b"old 9\n"), (b"old 0\n", b"old 00\n"), (b"old 0\n", b"old -1\n"), (b"old 0\n", b"")),
        *((b"old 0\n", b"old 0\nnot base64\n"), (b"old 0\n", b"old 0\nAAAA\n"), (b"\n\n", b"\n")),
        (b"old 0\n", b"old 0\n" + (to_text(EMPTY_ROOT) + "\n").encode() * 64),
    ],
)
async def test_a_request_of_another_form_is_refused(
    client: httpx.AsyncClient, log: ALog, witness: Witness, old: bytes, new: bytes
) -> None:
    body = log.body(0, 3)
    assert old in body
    assert (await ask(client, body.replace(old, new, 1))).status_code == 400
    assert witness.last(log.name) == (0, EMPTY_ROOT)


async def test_a_proof_from_nothing_must_be_empty(client: httpx.AsyncClient, log: ALog) -> None:
    body = log.body(0, 3).replace(b"old 0\n", b"old 0\n" + to_text(EMPTY_ROOT).encode() + b"\n", 1)
    assert (await ask(client, body)).status_code == 422


async def test_a_body_without_end_is_not_read(client: httpx.AsyncClient) -> None:
    assert (await ask(client, b"x" * 1_000_000)).status_code == 413
