"""A witness of the log (C2SP tlog-witness): remembers the last tree it signed, and signs no other past.

It is a stand-in for witnesses that others run: in production it must not run where the log does.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple, cast

import uvicorn
from chassis.clock import Clock, SystemClock
from contracts.merkle import EMPTY_ROOT, BadProof, check_consistency
from contracts.notes import (
    COSIGNATURE,
    MAX_NOTE_BYTES,
    BadNote,
    Checkpoint,
    Note,
    NoteKey,
    Signature,
    cosigned_message,
    from_text,
    read_checkpoint,
    read_key,
    read_note,
    signed_by,
)
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from local_stack import keys
from local_stack.failure import StackError
from local_stack.ports import HOST

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_MOST_STEPS: Final = 63
_LARGEST_BODY: Final = MAX_NOTE_BYTES + 8 * 1024


class Refusal(Exception):
    """The answer to a checkpoint that is not signed."""

    def __init__(self, status: HTTPStatus, text: str, media_type: str = "text/plain") -> None:
        super().__init__(text)
        self.response = PlainTextResponse(f"{text}\n", status, media_type=media_type)


class Asked(NamedTuple):
    """A request to sign: what the log believes was signed last, the proof from there, and the new checkpoint."""

    old_size: int
    proof: Sequence[bytes]
    note: Note
    checkpoint: Checkpoint


class Witness:
    """One witness, its key, and the logs whose keys it trusts. What it signed last lies in one file for each log."""

    def __init__(
        self, name: str, private: Ed25519PrivateKey, logs: Sequence[NoteKey], folder: Path, clock: Clock
    ) -> None:
        self.key = NoteKey(name, COSIGNATURE, private.public_key().public_bytes_raw())
        self._private = private
        self._logs = {log.name: log for log in logs}
        self._folder = folder
        self._clock = clock
        self._one_by_one = asyncio.Lock()
        """What was signed last is compared and replaced in one step."""

    async def add_checkpoint(self, body: bytes) -> Signature:
        """Sign the checkpoint, once what was signed before is its beginning.

        Raises:
            Refusal: it will not.
        """
        asked = _read(body)
        log = self._logs.get(asked.checkpoint.origin)
        if log is None:
            raise Refusal(HTTPStatus.NOT_FOUND, "this log is unknown here")
        try:
            signed = signed_by(asked.note, log, _is_signed)
        except BadNote:
            signed = False
        if not signed:
            raise Refusal(HTTPStatus.FORBIDDEN, "the checkpoint is not signed by the log's key")
        if asked.old_size > asked.checkpoint.size:
            raise Refusal(HTTPStatus.BAD_REQUEST, "the old size is larger than the new one")
        async with self._one_by_one:
            self._refuse_another_past(asked)
            await asyncio.to_thread(_remember, self._place(log.name), asked.checkpoint)
        at = int(self._clock.now().timestamp())
        value = at.to_bytes(8, "big") + self._private.sign(cosigned_message(at, asked.note.text))
        return Signature(self.key.name, self.key.id, value)

    def last(self, origin: str) -> tuple[int, bytes]:
        """Size and root of the tree of this log that was signed last; the empty tree before the first."""
        try:
            stored = cast("tuple[int, str]", json.loads(self._place(origin).read_text()))
        except FileNotFoundError:
            return 0, EMPTY_ROOT
        return stored[0], bytes.fromhex(stored[1])

    def _refuse_another_past(self, asked: Asked) -> None:
        size, root = self.last(asked.checkpoint.origin)
        if asked.old_size != size:
            raise Refusal(HTTPStatus.CONFLICT, str(size), "text/x.tlog.size")
        if size == asked.checkpoint.size and root != asked.checkpoint.root:
            raise Refusal(HTTPStatus.CONFLICT, "a tree of this size with another root was signed")
        try:
            check_consistency(size, asked.checkpoint.size, asked.proof, root, asked.checkpoint.root)
        except BadProof as error:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error

    def _place(self, origin: str) -> Path:
        return self._folder / f"{origin.encode().hex()}.json"


def _remember(place: Path, checkpoint: Checkpoint) -> None:
    """On disk before anything is signed: a witness that forgets would sign a second past."""
    draft = place.with_suffix(".draft")
    with draft.open("w") as file:
        file.write(json.dumps([checkpoint.size, checkpoint.root.hex()]))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(body: bytes) -> Asked:
    head, _, signed = body.partition(b"\n\n")
    try:
        old, *steps = head.decode("ascii").split("\n")
        match = _OLD.fullmatch(old)
        proof = [from_text(step) for step in steps]
        note = read_note(signed)
        checkpoint = read_checkpoint(note.text)
    except (BadNote, UnicodeDecodeError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is not of the form of c2sp.org/tlog-witness") from error
    if match is None or len(proof) > _MOST_STEPS or any(len(step) != len(EMPTY_ROOT) for step in proof):
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is not of the form of c2sp.org/tlog-witness")
    return Asked(int(match[1]), proof, note, checkpoint)


def _is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def application(witness: Witness) -> Starlette:
    async def add_checkpoint(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_BODY:
                return PlainTextResponse("too large\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            signature = await witness.add_checkpoint(body)
        except Refusal as refusal:
            return refusal.response
        return PlainTextResponse(signature.line())

    async def ready(_: Request) -> Response:
        return PlainTextResponse(f"{witness.key}\n")

    return Starlette(
        routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"]), Route("/health/ready", ready)],
        exception_handlers={ClientDisconnect: _gone},
    )


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def main() -> None:
    parser = argparse.ArgumentParser(description="cosigns the checkpoints of logs that it trusts")
    parser.add_argument("--name", required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    parser.add_argument("--log", action="append", required=True, metavar="KEY", help="a log's verifier key; repeatable")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    chosen = parser.parse_args()
    try:
        logs = [read_key(text) for text in chosen.log]
    except BadNote as error:
        raise StackError(f"--log: {error}") from error
    private = keys.private_key(chosen.key_file)
    witness = Witness(chosen.name, private, logs, chosen.folder, SystemClock())
    config = uvicorn.Config(
        application(witness), host=HOST, port=chosen.http_port, log_level="warning", access_log=False
    )
    # uvicorn ends by raising the signal that stopped it once more
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
