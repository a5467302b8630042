"""Answers at most so many requests at once: who comes when all places are taken is told to come back, at no cost."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.problems import Problem

PROBES: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Always answered: a crowded process is no broken one."""
_CLOSE: Final = {"Retry-After": "1", "Connection": "close"}


class Admission:
    """A place for each request, its body and its wait for the database."""

    def __init__(self, app: ASGIApp, places: int) -> None:
        self._app = app
        self._free = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        if self._free == 0:
            detail = "As many requests are being answered as this process may take."
            problem = Problem(503, "crowded", "Too many requests at once", detail, headers=_CLOSE)
            await problem.response()(scope, receive, send)
            return
        self._free -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._free += 1
