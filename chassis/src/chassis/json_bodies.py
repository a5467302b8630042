"""Knows which bodies may come in: bounded in size, time and depth, and JSON that means the same to every reader."""

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable
from typing import Final, cast

from pydantic import BaseModel, ConfigDict
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.problems import Problem, invalid_request, pointer

_MAX_DEPTH: Final = 32
_LARGEST: Final = 2**63 - 1
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
"""A string, closed or not, or a bracket. It can't fail once a string began, so a hostile text costs linear time."""
_TYPE: Final = re.compile(r"application/(?:[\w.+-]+\+)?json", re.IGNORECASE)
_DIGITS: Final = re.compile(r"[0-9]+")
_UTF8: Final = frozenset({"utf-8", "utf8"})


class RequestBody(BaseModel):
    """The form of a request body: unknown members are refused, and errors do not hold what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Refused(ValueError):
    """Why a text is not acceptable JSON."""


class JsonBodies:
    """Lets a request through with a body that was read whole and found sound, or answers why not.

    Everything PostgreSQL or a later reader would choke on is refused here, before any code of a service runs: NUL and
    lone surrogates (422), duplicate members, NaN, numbers beyond 64 bits, deep nesting, and text that is not UTF-8 (400).
    """

    def __init__(self, app: ASGIApp, limit_bytes: int, within_seconds: float) -> None:
        self._app = app
        self._limit = limit_bytes
        self._within = within_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_target(scope)
            body = await self._read(scope, receive)
            if body:
                _check_media_type(scope)
                check_json(body)
        except Problem as problem:
            await problem.response()(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        announced = _header(scope, b"content-length")
        if announced is not None and _DIGITS.fullmatch(announced) and int(announced[:20]) > self._limit:
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._within):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Problem(400, "incomplete-body", "The body ended early")
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > self._limit:
                        raise self._too_large()
                    chunks.append(chunk)
                    more = message.get("more_body", False)
        except TimeoutError:
            detail = f"The body did not arrive within {self._within:g} seconds."
            raise Problem(408, "body-timeout", "The body came too slowly", detail, headers=_CLOSE) from None
        return b"".join(chunks)

    def _too_large(self) -> Problem:
        detail = f"A body may have at most {self._limit} bytes."
        return Problem(413, "body-too-large", "The body is too large", detail, headers=_CLOSE)


_CLOSE: Final = {"Connection": "close"}


def check_json(body: bytes) -> None:
    """Raises the problem with a JSON text, if it has one."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"The body is not UTF-8 at byte {error.start}."
        raise Problem(400, "invalid-encoding", "The body is not UTF-8", detail) from None
    if text.startswith("\ufeff"):
        raise _malformed("It starts with a byte order mark.")
    if _depth(body) > _MAX_DEPTH:
        raise _malformed(f"It is nested deeper than {_MAX_DEPTH}.")
    try:
        value: object = json.loads(
            text, object_pairs_hook=_members, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise _malformed(f"It stops being JSON at line {error.lineno}, column {error.colno}.") from None
    except _Refused as error:
        raise _malformed(str(error)) from None
    unprintable = _unprintable(value)
    if unprintable:
        raise invalid_request(unprintable)


def _malformed(detail: str) -> Problem:
    return Problem(400, "malformed-json", "The body is not acceptable JSON", detail)


def _check_target(scope: Scope) -> None:
    query: bytes = scope["query_string"]
    if "\x00" in scope["path"] or b"%00" in query:
        raise Problem(400, "invalid-target", "The address is not valid", "It holds a NUL character.")
    if not query.isascii():  # RFC 3986: anything else is percent-encoded; the framework would fail on it
        raise Problem(400, "invalid-target", "The address is not valid", "It holds a character that is not encoded.")


def _check_media_type(scope: Scope) -> None:
    declared = (_header(scope, b"content-type") or "").split(";")
    charsets = [
        value.strip().strip('"').lower()
        for name, _, value in (parameter.partition("=") for parameter in declared[1:])
        if name.strip().lower() == "charset"
    ]
    if _TYPE.fullmatch(declared[0].strip()) is None or not _UTF8.issuperset(charsets):
        detail = "Send the body as application/json in UTF-8."
        raise Problem(415, "unsupported-media-type", "The body has an unsupported type", detail, headers=_ACCEPT)


_ACCEPT: Final = {"Accept": "application/json"}


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _depth(body: bytes) -> int:
    """How deep the brackets outside strings go; found without recursion, before anything recursive reads the text."""
    depth = deepest = 0
    for token in _TOKEN.finditer(body):
        if token[0] in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in (b"]", b"}"):
            depth -= 1
    return deepest


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("A member occurs twice in one object.")
    return members


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(value := int(digits)) > _LARGEST:
        raise _Refused("A number is larger than 64 bits hold.")
    return value


def _number(digits: str) -> float:
    if len(digits) > 64 or not math.isfinite(value := float(digits)):
        raise _Refused("A number is larger or longer than a double holds.")
    return value


def _constant(_name: str) -> float:
    raise _Refused("NaN and Infinity are not JSON.")


def _unprintable(document: object) -> list[tuple[str, str]]:
    """Where the document holds a character that no text column can: NUL or half of a surrogate pair."""
    found: list[tuple[str, str]] = []
    waiting: list[tuple[tuple[object, ...], object]] = [(("body",), document)]
    while waiting and len(found) < 10:
        path, value = waiting.pop()
        if isinstance(value, str):
            if not _storable(value):
                found.append((pointer(path), "holds a NUL character or half of a surrogate pair"))
        elif isinstance(value, list):
            waiting.extend(((*path, index), item) for index, item in enumerate(cast("list[object]", value)))
        elif isinstance(value, dict):
            for name, item in cast("dict[str, object]", value).items():
                if _storable(name):
                    waiting.append(((*path, name), item))
                else:
                    found.append((pointer(path), "has a member whose name no text can hold"))
    return found


def _storable(text: str) -> bool:
    return "\x00" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
