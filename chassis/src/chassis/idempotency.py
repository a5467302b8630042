"""Knows which POST was already answered: a repeated `Idempotency-Key` gets the first answer, and nothing happens twice.

draft-ietf-httpapi-idempotency-key-header. The answer is kept in the transaction of the change that it tells of. Keys and
bodies are kept as keyed hashes under the service's own secret, because a body may hold personal data and a plain hash
of a short one can be guessed.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeGuard, cast, get_args
from uuid import UUID

from asyncpg.exceptions import LockNotAvailableError
from contracts.event import personal_category
from fastapi import APIRouter, Header, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response
from starlette.routing import BaseRoute

from chassis.problems import Problem, unavailable
from chassis.sql import Connection
from chassis.tokens import Caller, InvalidToken, caller_of
from chassis.transaction import Transaction

_KEY: Final = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"|([A-Za-z0-9._~+/=-]{1,255})', re.ASCII)


@dataclass(frozen=True)
class IdempotencyKey:
    """One request's key, bound to its route and caller, and the fingerprint of what was asked with it."""

    scope: str
    key_hash: bytes
    request_hash: bytes
    subject_id: UUID | None


@dataclass(frozen=True)
class Answer:
    """What a command answers and may be answered again: no personal data, which `once` and the route check."""

    status: int
    body: BaseModel | None = None
    location: str | None = None
    subject_id: UUID | None = None
    """The person it concerns, whose erasure deletes the kept answer."""


async def idempotency_key(
    request: Request,
    idempotency_key: Annotated[str | None, Header(max_length=260)] = None,
) -> IdempotencyKey | None:
    """The dependency of a POST that may be repeated; None when the caller sent no key."""
    if idempotency_key is None:
        return None
    match = _KEY.fullmatch(idempotency_key)
    if match is None:
        detail = "Send 1 to 255 printable characters, such as a UUID in double quotes."
        raise Problem(400, "invalid-idempotency-key", "The Idempotency-Key is not valid", detail)
    secret = cast("bytes", request.app.state.own_secret)
    caller = _caller(request)
    who = "" if caller is None else f"{caller.kid}\x00{caller.subject}"
    target = f"{request.url.path}?{request.url.query}"
    return IdempotencyKey(
        scope=_scope(request),
        key_hash=_keyed(secret, "key", _scope(request).encode(), who.encode(), (match[1] or match[2]).encode()),
        request_hash=_keyed(secret, "request", target.encode(), await request.body()),
        subject_id=None if caller is None else caller.subject_id,
    )


async def once(tx: Transaction, key: IdempotencyKey | None, make: Callable[[], Awaitable[Answer]]) -> Response:
    """The answer of `make`, or the one kept for this key; while another transaction holds the key, waits for its end.

    A key used with another request is refused (422), one still held when the wait is over too (409). When `make` raises,
    nothing is kept, and the caller may try again. Call it before anything else is done in the transaction.
    """
    if key is None:
        return _response(await make())
    if not await _claim(tx, key):
        return await _kept(tx, key)
    answer = await make()
    body = None if answer.body is None else _json(answer.body)
    await tx.execute(
        """
        UPDATE idempotency_keys
           SET status = $3, response = $4::text::jsonb, location = $5, subject_id = coalesce($6, subject_id)
         WHERE scope = $1 AND key_hash = $2
        """,
        key.scope,
        key.key_hash,
        answer.status,
        body or "null",
        answer.location,
        answer.subject_id,
    )
    return _response(answer)


async def forget(connection: Connection, before: datetime, most: int) -> int:
    """Drop up to so many answers kept since before a moment (a caller's retry comes within hours); says how many."""
    return int(
        await connection.fetchval(
            "WITH gone AS (DELETE FROM idempotency_keys WHERE (scope, key_hash) IN"
            " (SELECT scope, key_hash FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)"
            " RETURNING 1) SELECT count(*) FROM gone",
            before,
            most,
        )
    )


def check_routes(routes: Sequence[BaseRoute]) -> None:
    """Refuses a route that keeps its answers and whose answer is declared with a `Personal` field."""
    for route in api_routes(routes):
        if _uses(route.dependant) and any(_is_personal(model) for model in _models(route.response_model)):
            raise TypeError(
                f"{route.path} takes an Idempotency-Key, so its answer is stored as it is: {route.response_model} has a "
                "Personal field. Answer with ids and a Location, and let the caller read the rest"
            )


def api_routes(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    """Every API route, through routers included in routers."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(router := getattr(route, "original_router", None), APIRouter):
            yield from api_routes(router.routes)


_PROCESSING: Final = 102
"""The status of a row whose answer isn't made yet; no other transaction ever sees it."""


async def _claim(tx: Transaction, key: IdempotencyKey) -> bool:
    try:
        claimed = await tx.fetchrow(
            """
            INSERT INTO idempotency_keys
                   (scope, key_hash, request_hash, subject_id, status, response, location, created_at)
            VALUES ($1, $2, $3, $4, $5, 'null'::jsonb, NULL, $6)
                ON CONFLICT (scope, key_hash) DO NOTHING
            RETURNING scope
            """,
            key.scope,
            key.key_hash,
            key.request_hash,
            key.subject_id,
            _PROCESSING,
            tx.clock.now(),
        )
    except LockNotAvailableError:
        detail = "The first request with this Idempotency-Key is still being processed."
        title = "The Idempotency-Key is in use"
        raise Problem(409, "idempotency-key-in-use", title, detail, headers={"Retry-After": "1"}) from None
    return claimed is not None


async def _kept(tx: Transaction, key: IdempotencyKey) -> Response:
    row = await tx.fetchrow(
        """
        SELECT request_hash, status, response::text AS body, location
          FROM idempotency_keys
         WHERE scope = $1 AND key_hash = $2
        """,
        key.scope,
        key.key_hash,
    )
    if row is None:
        raise unavailable("answer kept for this Idempotency-Key", 1)
    if not hmac.compare_digest(cast("bytes", row["request_hash"]), key.request_hash):
        detail = "This Idempotency-Key was used with another request. Use a new key for a new request."
        raise Problem(422, "idempotency-key-reused", "The Idempotency-Key was used before", detail)
    body = None if row["body"] == "null" else cast("str", row["body"])
    response = _answered(cast("int", row["status"]), body, cast("str | None", row["location"]))
    response.headers["Idempotent-Replayed"] = "true"
    return response


def _response(answer: Answer) -> Response:
    return _answered(answer.status, None if answer.body is None else _json(answer.body), answer.location)


def _answered(status: int, body: str | None, location: str | None) -> Response:
    headers = {} if location is None else {"Location": location}
    if body is None:
        return Response(status_code=status, headers=headers)
    return Response(body, status, headers, media_type="application/json")


def _json(body: BaseModel) -> str:
    if any(_is_personal(model) for model in _models(type(body))):
        raise TypeError(f"{type(body).__name__} has a Personal field: an answer that is kept may not hold one")
    return body.model_dump_json()


def _scope(request: Request) -> str:
    return f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"


def _caller(request: Request) -> Caller | None:
    try:
        return caller_of(request)
    except InvalidToken:
        return None


def _keyed(secret: bytes, use: str, *parts: bytes) -> bytes:
    """A keyed hash of parts, each with its length, so that no two different lists of parts have the same text."""
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.digest(secret, f"idempotency {use}".encode() + b"\x00" + framed, "sha256")


def _uses(dependant: Dependant) -> bool:
    return any(inner.call is idempotency_key or _uses(inner) for inner in dependant.dependencies)


def _models(annotation: object, seen: frozenset[object] = frozenset()) -> Iterator[type[BaseModel]]:
    """Every model an annotation can hold, at any depth."""
    options: tuple[object, ...] = (annotation, *get_args(annotation))
    for option in options:
        if _is_model(option) and option not in seen:
            yield option
            for field in option.model_fields.values():
                yield from _models(field.annotation, seen | {option})
        elif option is not annotation:
            yield from _models(option, seen)


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_personal(model: type[BaseModel]) -> bool:
    return any(personal_category(field.annotation) is not None for field in model.model_fields.values())
