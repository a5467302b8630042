"""Calls a service over HTTP: waits when it asks to wait, repeats what got no answer, and tells a refusal in its words.

A refusal's text is the service's problem document, which never echoes what was sent.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import httpx
from pydantic import BaseModel, Field, JsonValue, ValidationError

TRIES: Final = 8
ANSWER_SECONDS: Final = 30.0
LONGEST_WAIT: Final = 90.0
"""In seconds. A service that asks for more is told of instead of waited for."""
_FIRST_DELAY: Final = 0.2
_WAIT: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Unreachable(Exception):
    """The service does not answer, or keeps asking to wait. Nothing is known of what was asked."""


class Refused(Exception):
    """The service answered that it will not. `slug` is its problem type without the URN."""

    def __init__(self, status: int, slug: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.slug = slug


class _Error(BaseModel):
    pointer: str = ""
    detail: str = ""


class _Problem(BaseModel):
    type: str = "about:blank"
    title: str = ""
    detail: str | None = None
    errors: list[_Error] = Field(default_factory=list[_Error])

    def text(self, status: int) -> str:
        if self.errors:
            return "; ".join(f"{error.pointer}: {error.detail}" for error in self.errors)
        return ": ".join(part for part in (self.title, self.detail) if part) or f"status {status}"


class PatientHttp:
    """One service. Every POST with a body that may be repeated carries the same Idempotency-Key each time."""

    def __init__(self, name: str, base_url: str, *, tries: int = TRIES, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.name = name
        self._tries = tries
        timeout = httpx.Timeout(answer_seconds, connect=min(answer_seconds, 5))
        self._http = httpx.AsyncClient(base_url=base_url, timeout=timeout, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Mapping[str, JsonValue] | None = None,
        query: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        """The answer, when it is a good one.

        Raises:
            Refused: it is a problem that waiting does not solve.
            Unreachable: there was none in as many tries as it has.
        """
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = f'"{idempotency_key}"'
        delay, why = _FIRST_DELAY, "no answer"
        for left in reversed(range(self._tries)):
            try:
                answer = await self._http.request(method, path, headers=headers, json=body, params=query)
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.is_success:
                    return answer
                if answer.status_code not in _WAIT:
                    raise _refusal(answer)
                why = f"status {answer.status_code}"
                delay = max(delay, _asked_wait(answer))
                if delay > LONGEST_WAIT:
                    break
            if left:
                await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_WAIT)
        raise Unreachable(f"{self.name} did not take {method} {path}: {why}")


def _asked_wait(answer: httpx.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else 0.0


def _refusal(answer: httpx.Response) -> Refused:
    try:
        problem = _Problem.model_validate_json(answer.content)
    except ValidationError:
        problem = _Problem()
    slug = problem.type.rpartition(":")[2]
    return Refused(answer.status_code, slug, problem.text(answer.status_code))
