"""A public log of the tests: one tree, one key and one witness, over real HTTP, that publishes when it is told to."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from chassis.edge import serve
from chassis.testing.containers import free_port
from contracts.log_leaf import read_leaf
from contracts.merkle import Leaves, inclusion_proof, leaf_hash, root_of
from contracts.notes import COSIGNATURE, ED25519, Checkpoint, EntryProof, Note, NoteKey, Signature, cosigned_message
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI, Response

from contracts import base64url


@dataclass
class SmallLog:
    """What it has, and what of it is published; `silent` answers nothing."""

    url: str
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    witness_private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    origin: str = "log.test"
    leaves: list[bytes] = field(default_factory=list[bytes])
    published: int = 0
    witnessed: bool = True
    silent: bool = False

    @property
    def key(self) -> NoteKey:
        return NoteKey(self.origin, ED25519, self.private.public_key().public_bytes_raw())

    @property
    def witness(self) -> NoteKey:
        return NoteKey("witness.test", COSIGNATURE, self.witness_private.public_key().public_bytes_raw())

    def append(self, *leaves: str) -> None:
        """Take these in and publish all."""
        self.leaves += [leaf.encode() for leaf in leaves]
        self.published = len(self.leaves)

    def place(self, commitment: bytes) -> int | None:
        found = (n for n, leaf in enumerate(self.leaves) if read_leaf(leaf).commitment == commitment)
        return next(found, None)

    def proof(self, index: int) -> bytes:
        hashes = [leaf_hash(leaf) for leaf in self.leaves[: self.published]]

        def part(leaves: Leaves) -> bytes:
            return root_of(hashes[leaves.start : leaves.end])

        path = inclusion_proof(index, self.published, part)
        return EntryProof(index, tuple(path), self.note(root_of(hashes))).to_bytes()

    def note(self, root: bytes) -> Note:
        text = Checkpoint(self.origin, self.published, root).text()
        signatures = [Signature(self.key.name, self.key.id, self.private.sign(text.encode()))]
        if self.witnessed:
            at = 1_770_000_000
            value = at.to_bytes(8, "big") + self.witness_private.sign(cosigned_message(at, text))
            signatures.append(Signature(self.witness.name, self.witness.id, value))
        return Note(text, tuple(signatures))


@asynccontextmanager
async def running_log() -> AsyncGenerator[SmallLog]:
    port = free_port()
    log = SmallLog(f"http://127.0.0.1:{port}")
    stop, started = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(_app(log), "127.0.0.1", port, stop=stop, started=lambda _port: started.set(), drain_seconds=1)
    )
    await started.wait()
    try:
        yield log
    finally:
        stop.set()
        await serving


def _app(log: SmallLog) -> FastAPI:
    app = FastAPI()

    @app.get("/log/place")
    async def place(commitment: str) -> Response:
        index = log.place(base64url.decode(commitment.encode()))
        if log.silent or index is None:
            return Response(status_code=404)
        published = "true" if index < log.published else "false"
        return Response(f'{{"index": {index}, "published": {published}}}', media_type="application/json")

    @app.get("/log/proof/{index}")
    async def proof(index: int) -> Response:
        return Response(log.proof(index), media_type="text/plain")

    return app
