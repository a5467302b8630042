"""Receipts for whoever has the link, and the public keys that check them. No token is asked for: the link is the right.

A number that is none is answered like one that nobody has: a look-up by its hash, which tells by its time no part of it.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from chassis.jwks import Keys
from chassis.problems import not_found, responses
from chassis.rate_limit import limited
from chassis.service import Service
from chassis.sql import borrow
from contracts.receipt_keys import keys_file
from contracts.receipts import name_of
from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from retention_service import erasures, holders, receipts
from retention_service.erasures import Erasure, Stage
from retention_service.holder_keys import raw_keys
from retention_service.prove_receipt import receipt_of
from retention_service.public_log import LogTrust
from retention_service.receipt_page import POLICY, page_of
from retention_service.receipts import Attested

_RATE: Final = "60/minute"
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
_RETRY_SECONDS: Final = "5"

Format = Literal["json", "html"]


class ReceiptAwaited(BaseModel):
    """There will be a receipt. `erasing`: the erasure is not done; `proving`: the public log has not proved it yet."""

    state: Literal["erasing", "proving"]


def receipt_routes(service: Service, required: frozenset[str], trusted: Keys, trust: LogTrust | None) -> APIRouter:
    """`GET /receipts/keys` and `GET /receipts/{number}`, for anybody."""
    router = APIRouter(prefix="/receipts", tags=["receipts"], dependencies=[Depends(limited("receipts", _RATE))])

    @router.get("/keys", response_class=Response, responses=responses(404, 429))
    async def keys() -> Response:
        """The public keys of the log, its witnesses and the holders: compare them with those you have from elsewhere."""
        if trust is None:
            raise not_found("log")
        async with borrow(service.database.pool) as connection:
            known = {one.holder for one in await holders.ever_registered(connection)} | required
        found = raw_keys(trusted, sorted(known))
        content = keys_file(trust.log, trust.witnesses, {name: keys[0] for name, keys in found.items()})
        return Response(content, media_type="application/json", headers=_PRIVATE)

    @router.get(
        "/{number}",
        response_class=Response,
        responses={202: {"model": ReceiptAwaited}, **responses(404, 422, 429, 503)},
    )
    async def show(
        number: Annotated[str, Path(max_length=200)],
        accept: Annotated[str, Header()] = "",
        format_: Annotated[Format | None, Query(alias="format")] = None,
    ) -> Response:
        """The receipt that the link is of: the file that can be checked, or a page to be printed."""
        name = name_of(number)
        async with borrow(service.database.pool) as connection:
            erasure = await erasures.with_receipt(connection, name)
            proven = await receipts.newest_proven(connection, name)
        awaited = _awaited(erasure, proven)
        if awaited is not None:
            return JSONResponse(awaited.model_dump(), 202, {**_PRIVATE, "Retry-After": _RETRY_SECONDS})
        if proven is None or proven.proof is None:
            raise not_found("receipt")
        receipt = receipt_of(proven, proven.proof)
        if (format_ or _preferred(accept)) == "html":
            return _page(page_of(receipt))
        headers: Mapping[str, str] = {**_PRIVATE, "Content-Disposition": 'inline; filename="receipt.json"'}
        return Response(receipt.to_bytes(), media_type="application/json", headers=headers)

    return router


def _awaited(erasure: Erasure | None, proven: Attested | None) -> ReceiptAwaited | None:
    """What is waited for, where something is; a receipt outlives the row of its erasure."""
    if erasure is not None and erasure.stage is not Stage.DONE:
        return ReceiptAwaited(state="erasing")
    if erasure is not None and proven is None:
        return ReceiptAwaited(state="proving")
    return None


def _preferred(accept: str) -> Format:
    """What a browser asks for is a page; everybody else gets the file."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    named = [kind for kind in kinds if kind in ("text/html", "application/json")]
    return "html" if named[:1] == ["text/html"] else "json"


def _page(text: str) -> Response:
    headers = {**_PRIVATE, "Content-Security-Policy": POLICY}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)
