"""Knows how a long list is read: in pages, by cursors that only we can make and that fit only the list they came from."""

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Generic, TypeAlias, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from chassis.problems import Problem

T = TypeVar("T")

Position: TypeAlias = tuple[UUID | datetime | int, ...]
"""The sort values of a row. Ids, times and numbers only: a cursor stands in addresses, so nothing about a person may."""

_MAX_LIMIT: Final = 200
_TAG_BYTES: Final = 16
_DECODERS: Final[dict[str, Callable[[str], UUID | datetime | int]]] = {
    "u": UUID,
    "t": datetime.fromisoformat,
    "i": int,
}


class Page(BaseModel, Generic[T]):
    """Some of the items, and the cursor of the rest; `next` is null on the last page."""

    items: list[T]
    next: str | None


@dataclass(frozen=True)
class Paging:
    """Which page is asked for. Read `limit + 1` rows after `after`, and give them to `page`."""

    limit: int
    after: Position | None
    _cursors: "Cursors"
    _request: Request
    _response: Response

    def page(self, items: Sequence[T], position: Callable[[T], Position]) -> Page[T]:
        """The page of these rows, with its `Link` header; one row more than the limit means that another page follows."""
        shown = list(items[: self.limit])
        if len(items) <= self.limit:
            return Page(items=shown, next=None)
        cursor = self._cursors.encode(position(shown[-1]), _list_of(self._request))
        others = [(name, value) for name, value in self._request.query_params.multi_items() if name not in _OURS]
        query = urlencode([*others, ("limit", str(self.limit)), ("cursor", cursor)])
        self._response.headers["Link"] = f'<{self._request.url.path}?{query}>; rel="next"'
        return Page(items=shown, next=cursor)


_OURS: Final = frozenset({"limit", "cursor"})


class Cursors:
    """Makes cursors and reads back only its own: signed, and bound to one list with its filters."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, position: Position, of: str) -> str:
        body = json.dumps([_tagged(value) for value in position], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._tag(body, of) + body).rstrip(b"=").decode()

    def decode(self, cursor: str, of: str) -> Position:
        """The position, or the 400 problem of a cursor that isn't ours or came from another list."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _invalid_cursor() from None
        tag, body = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(body, of)):
            raise _invalid_cursor()
        return tuple(_DECODERS[value[0]](value[1:]) for value in cast("list[str]", json.loads(body)))

    def _tag(self, body: bytes, of: str) -> bytes:
        return hmac.digest(self._secret, b"cursor\x00" + of.encode() + b"\x00" + body, "sha256")[:_TAG_BYTES]


async def paging(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=_MAX_LIMIT)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Paging:
    """The dependency of a route that answers a `Page`."""
    cursors = Cursors(cast("bytes", request.app.state.own_secret))
    after = None if cursor is None else cursors.decode(cursor, _list_of(request))
    return Paging(limit, after, cursors, request, response)


def _list_of(request: Request) -> str:
    filters = sorted((name, value) for name, value in request.query_params.multi_items() if name not in _OURS)
    return f"{request.url.path}?{urlencode(filters)}"


def _tagged(value: UUID | datetime | int) -> str:
    if isinstance(value, UUID):
        return f"u{value}"
    return f"t{value.isoformat()}" if isinstance(value, datetime) else f"i{value}"


def _invalid_cursor() -> Problem:
    return Problem(400, "invalid-cursor", "The cursor is not valid", "Start again without a cursor.")
