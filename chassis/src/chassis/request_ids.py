"""Knows the id of the request being answered: a caller's, when it can't be anything but an id, else one of ours."""

import re
from contextvars import ContextVar
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.clock import Clock, new_id

HEADER: Final = "X-Request-Id"
_HEADER_BYTES: Final = HEADER.lower().encode()
_UUID: Final = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_HEX: Final = r"[0-9a-f]{16,64}"
_ULID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_ACCEPTED: Final = re.compile(rf"{_UUID}|{_HEX}|{_ULID}", re.ASCII)
"""Shapes that leave no room for a name, a mail address or a phone number: the id is printed in logs."""

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request this task answers, or None outside one."""
    return _current.get()


def accepted(value: str) -> bool:
    """Whether a caller's id may be used as it is."""
    return _ACCEPTED.fullmatch(value) is not None


class RequestIds:
    """Gives every request an id: in its context, in every log line below it, and in its response."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._of(scope)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        # Not reset at the end: the server logs an unexpected error after this returns, in the same task, with the id.
        _current.set(request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        await self._app(scope, receive, answer)

    def _of(self, scope: Scope) -> str:
        given = [value for name, value in scope["headers"] if name == _HEADER_BYTES]
        if len(given) == 1 and accepted(text := given[0].decode("latin-1")):
            return text
        return str(new_id(self._clock))
