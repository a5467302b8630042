"""Knows how a refusal is told over HTTP: RFC 9457 problem documents that never echo what the caller sent."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, TypeAlias, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from chassis.logs import SafeError
from chassis.request_ids import current_request_id

MEDIA_TYPE: Final = "application/problem+json"

JsonValue: TypeAlias = "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"

_NAME: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)


class Problem(SafeError):
    """A refusal with its cure. `title` is fixed per `slug`; `detail` is ours, and holds nothing that was sent to us."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str | None = None,
        *,
        extensions: Mapping[str, JsonValue] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slug)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.extensions: Mapping[str, JsonValue] = extensions or {}
        self.headers: Mapping[str, str] = headers or {}

    def document(self) -> dict[str, JsonValue]:
        """The members of the problem document, with the request's id."""
        members: dict[str, JsonValue] = dict(self.extensions)
        members |= {"type": f"urn:tillit:problem:{self.slug}", "title": self.title, "status": self.status}
        if self.detail is not None:
            members["detail"] = self.detail
        if (request_id := current_request_id()) is not None:
            members["request_id"] = request_id
        return members

    def response(self) -> Response:
        """The answer that tells it."""
        body = json.dumps(self.document(), ensure_ascii=True).encode()
        return Response(body, self.status, dict(self.headers), media_type=MEDIA_TYPE)


class InvalidValue(SafeError, ValueError):
    """What a validator of ours raises: unlike any other error's, its text is shown to the caller."""


class ProblemError(BaseModel):
    """One thing that is wrong with a request: where (RFC 6901 pointer), and what."""

    pointer: str
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457, as every service answers it; documents the error responses in OpenAPI."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:tillit:problem:invalid-request"])
    title: str
    status: int
    detail: str | None = None
    request_id: str | None = None
    errors: list[ProblemError] | None = None


def not_found(what: str = "resource") -> Problem:
    """404: there is no such thing, or not for this caller."""
    return Problem(404, "not-found", "Not found", f"There is no such {what}.")


def conflict(slug: str, detail: str) -> Problem:
    """409: the state of things does not allow it now."""
    return Problem(409, slug, "Conflict", detail)


def invalid(pointer: str, detail: str) -> Problem:
    """422: one member of the request is wrong."""
    return invalid_request([(pointer, detail)])


def invalid_request(errors: Sequence[tuple[str, str]]) -> Problem:
    """422: the request was read, and these members of it are wrong."""
    listed = [{"pointer": pointer, "detail": detail} for pointer, detail in errors]
    title = "The request does not have the required form"
    return Problem(422, "invalid-request", title, extensions={"errors": listed})


def unavailable(what: str, retry_after_seconds: int = 5) -> Problem:
    """503: something this request needs does not answer now."""
    title = "Temporarily unavailable"
    detail = f"The {what} does not answer now. Send the request again, with the same Idempotency-Key if it had one."
    return Problem(503, "unavailable", title, detail, headers={"Retry-After": str(retry_after_seconds)})


def pointer(path: Sequence[object]) -> str:
    """The RFC 6901 pointer of a path into a request (`/body/title`), cut where a step is not a plain name.

    A member's name can be anything a caller wrote, so it is repeated only when it looks like a name.
    """
    plain = itertools.takewhile(lambda step: _NAME.fullmatch(step), map(str, path))
    return "".join(f"/{step}" for step in plain)


def install(app: FastAPI) -> None:
    """Makes every refusal and every unexpected error of this app a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_unexpected)


def responses(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The OpenAPI description of problem responses: `responses=problems.responses(401, 403)` on a route."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem for a bare HTTP status, as the router raises for an unknown path or method."""
    phrase = HTTPStatus(status).phrase
    return Problem(status, phrase.lower().replace(" ", "-").replace("'", ""), phrase, headers=headers)


_CONSTRAINTS: Final = frozenset(
    {
        "ge", "gt", "le", "lt", "max_length", "min_length", "multiple_of", "pattern", "expected", "expected_schemes",
        "max_digits", "decimal_places", "field_type", "expected_tags", "class",
    }
)  # fmt: skip


def _describe(kind: str, message: str, context: Mapping[str, object]) -> str:
    """What is wrong, in words from our own schema: a message whose context holds more may quote the input."""
    if kind == "value_error":
        cause = context.get("error")
        return str(cause) if isinstance(cause, SafeError) else "has a value that is not allowed"
    if set(context) <= _CONSTRAINTS:
        return message
    return f"is not valid ({kind.replace('_', ' ')})"


async def _on_problem(_request: Request, error: Exception) -> Response:
    return cast("Problem", error).response()


async def _on_invalid(_request: Request, error: Exception) -> Response:
    errors: list[tuple[str, str]] = []
    for item in cast("RequestValidationError", error).errors():
        where: tuple[object, ...] = tuple(item["loc"])
        kind: str = item["type"]
        context: Mapping[str, object] = item.get("ctx") or {}
        if kind == "extra_forbidden":
            errors.append((pointer(where), "is not a known member here"))
        else:
            errors.append((pointer(where), _describe(kind, item["msg"], context)))
    return invalid_request(errors[:50]).response()


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)
    return of_status(refused.status_code, refused.headers).response()


async def _on_unexpected(_request: Request, _error: Exception) -> Response:
    return Problem(500, "unexpected", "Unexpected error", "It was logged with this request's id.").response()
