"""Answers over HTTP when the surroundings fail: 503 with Retry-After, 410 for a person whose keys are destroyed."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from chassis.errors import TRANSIENT, KeyringUnavailable, SubjectGone, reason
from chassis.logs import get_logger
from chassis.problems import Problem, unavailable

_log = get_logger()


def install(app: FastAPI) -> None:
    """Handlers for what commands raise when the database or the keyring is away, or the person is erased."""
    for kind in TRANSIENT:
        if issubclass(kind, Exception):
            app.add_exception_handler(kind, _on_transient)
    app.add_exception_handler(SubjectGone, _on_gone)


async def _on_transient(_request: Request, error: Exception) -> Response:
    _log.warning("http.unavailable", error=reason(error))
    return unavailable("keyring" if isinstance(error, KeyringUnavailable) else "database").response()


async def _on_gone(_request: Request, _error: Exception) -> Response:
    return Problem(
        410, "erased", "This person's data was erased", "Nothing about them can be read or written."
    ).response()
