"""The public edge of the log: checkpoint, tiles and entries as files, and proofs made of them. No token is asked for:
what is public can be checked by anybody, and names nobody."""

import asyncio
from base64 import b64encode
from typing import Annotated, Final

from chassis.problems import invalid, not_found
from chassis.rate_limit import limited
from chassis.service import Service
from chassis.sql import borrow
from contracts.log_audit import Missing
from contracts.log_leaf import commitment_bytes
from contracts.log_tiles import CHECKPOINT, WIDTH, TiledTree, read_path, tile_holding
from contracts.merkle import consistency_proof, inclusion_proof
from contracts.notes import Checkpoint, EntryProof, Note
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel

from audit_log_service import leaves
from audit_log_service.log_folder import LogFolder
from audit_log_service.log_key import LogKey, is_signed
from chassis import problems
from contracts import base64url

_OPEN: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_FOR_EVER: Final = {**_OPEN, "Cache-Control": "public, max-age=31536000, immutable"}
_A_MOMENT: Final = {**_OPEN, "Cache-Control": "public, max-age=1"}
_TEXT: Final = "text/plain; charset=utf-8"
_LAST: Final = 2**63 - 1
_RATE: Final = "6000/minute"

Size = Annotated[int | None, Query(ge=1, le=_LAST)]


class InclusionShown(BaseModel):
    """That the leaf stands at this index of the tree of this size (RFC 6962, 2.1.1). Hashes are base64."""

    index: int
    size: int
    leaf_hash: str
    root: str
    proof: list[str]


class ConsistencyShown(BaseModel):
    """That the second tree begins with the first (RFC 6962, 2.1.2). Hashes are base64."""

    first: int
    second: int
    first_root: str
    second_root: str
    proof: list[str]


class Place(BaseModel):
    """Where an event stands in the log."""

    index: int
    published: bool


def log_routes(service: Service, folder: LogFolder, key: LogKey) -> APIRouter:
    router = APIRouter(tags=["log"], dependencies=[Depends(limited("log", _RATE))])

    async def shown() -> tuple[Checkpoint, Note]:
        found = await asyncio.to_thread(folder.checkpoint, key.public, is_signed)
        if found is None:
            raise not_found("checkpoint yet")
        return found

    @router.get("/checkpoint", response_class=Response, responses=problems.responses(404))
    async def checkpoint() -> Response:
        """The signed root of the log (C2SP tlog-checkpoint)."""
        try:
            return Response(await asyncio.to_thread(folder.read, CHECKPOINT), media_type=_TEXT, headers=_A_MOMENT)
        except Missing:
            raise not_found("checkpoint yet") from None

    @router.get("/tile/{path:path}", response_class=Response, responses=problems.responses(404))
    async def tile(path: Annotated[str, Path(max_length=80)]) -> Response:
        """A tile of hashes, or a bundle of entries (C2SP tlog-tiles)."""
        asked = read_path(f"tile/{path}")
        if asked is None:
            raise not_found("tile")
        try:
            data = await asyncio.to_thread(folder.read, asked.path)
        except Missing:
            raise not_found("tile") from None
        return Response(data, media_type="application/octet-stream", headers=_FOR_EVER)

    @router.get("/log/inclusion", responses=problems.responses(404, 422))
    async def inclusion(index: Annotated[int, Query(ge=0, le=_LAST)], size: Size = None) -> InclusionShown:
        """The proof that a leaf is in the tree, of the size that was published last or of an earlier one."""
        largest = (await shown())[0].size
        size = _within(largest, size if size is not None else largest, "size")
        if index >= size:
            raise invalid("/query/index", "is not in a tree of this size")

        def prove() -> InclusionShown:
            tree = _tree(folder, size, largest)
            proof = inclusion_proof(index, size, tree.part)
            return InclusionShown(
                index=index, size=size, leaf_hash=_text(tree.leaf(index)), root=_text(tree.root()), proof=_texts(proof)
            )

        return await asyncio.to_thread(prove)

    @router.get("/log/consistency", responses=problems.responses(404, 422))
    async def consistency(first: Annotated[int, Query(ge=1, le=_LAST)], second: Size = None) -> ConsistencyShown:
        """The proof that one tree is the beginning of another."""
        largest = (await shown())[0].size
        second = _within(largest, second if second is not None else largest, "second")
        if first > second:
            raise invalid("/query/first", "is larger than the second size")

        def prove() -> ConsistencyShown:
            old, new = _tree(folder, first, largest), _tree(folder, second, largest)
            proof = consistency_proof(first, second, new.part)
            return ConsistencyShown(
                first=first,
                second=second,
                first_root=_text(old.root()),
                second_root=_text(new.root()),
                proof=_texts(proof),
            )

        return await asyncio.to_thread(prove)

    @router.get("/log/proof/{index}", response_class=Response, responses=problems.responses(404, 422))
    async def proof(index: Annotated[int, Path(ge=0, le=_LAST)]) -> Response:
        """All that is needed to check one entry offline (C2SP tlog-proof)."""
        published, note = await shown()
        if index >= published.size:
            raise not_found("entry in the published log")

        def prove() -> bytes:
            tree = _tree(folder, published.size, published.size)
            path = inclusion_proof(index, published.size, tree.part)
            return EntryProof(index, tuple(path), note).to_bytes()

        return Response(await asyncio.to_thread(prove), media_type=_TEXT, headers=_A_MOMENT)

    @router.get("/log/place", responses=problems.responses(404, 422))
    async def place(commitment: Annotated[str, Query(min_length=4, max_length=1400)]) -> Place:
        """Where the event with this commitment (base64url, as in its envelope) stands; who holds it knows the event."""
        try:
            wanted = commitment_bytes(base64url.decode(commitment.encode("ascii")))
        except ValueError:
            raise invalid("/query/commitment", "is not base64url") from None
        async with borrow(service.database.pool) as connection:
            index = await leaves.index_of(connection, wanted)
        if index is None:
            raise not_found("entry with this commitment yet")
        return Place(index=index, published=index < (await shown())[0].size)

    return router


def _within(largest: int, size: int, name: str) -> int:
    if size > largest:
        raise invalid(f"/query/{name}", "is larger than the published log")
    return size


def _tree(folder: LogFolder, size: int, largest: int) -> TiledTree:
    """The tree of an earlier size, read from the tiles of the published one, which begin with the same hashes."""
    return TiledTree(size, lambda asked: folder.tile(tile_holding(asked.level, asked.number * WIDTH, largest)))


def _texts(hashes: list[bytes]) -> list[str]:
    return [_text(one) for one in hashes]


def _text(value: bytes) -> str:
    return b64encode(value).decode("ascii")
