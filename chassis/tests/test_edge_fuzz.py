"""No request, however strange, gets more than a problem document."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from chassis.clock import MovedClock
from chassis.edge import make_app
from chassis.health import Health
from chassis.idempotency import IdempotencyKey, idempotency_key
from chassis.json_bodies import RequestBody
from chassis.metrics import Metrics
from chassis.paging import Paging, paging
from chassis.settings import ServiceSettings
from chassis.tokens import SERVICE, Caller, Verifiers, require
from fastapi import APIRouter, Depends, FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import AnyHttpUrl, SecretStr
from starlette.types import Message

CLOCK = MovedClock(datetime(2026, 3, 1, tzinfo=UTC))


class Interest(RequestBody):
    occupation: str
    place: str | None = None
    since: datetime | None = None
    weight: int = 0


def new_app() -> FastAPI:
    router = APIRouter()

    @router.post("/interests/{person_id}")
    async def save(
        person_id: UUID, interest: Interest, key: Annotated[IdempotencyKey | None, Depends(idempotency_key)]
    ) -> None:
        interest.model_dump_json().encode()

    @router.get("/interests")
    async def read(page: Annotated[Paging, Depends(paging)]) -> None:
        return None

    @router.get("/secret")
    async def secret(caller: Annotated[Caller, Depends(require(SERVICE))]) -> None:
        raise AssertionError("nobody has a token")

    nowhere = Path("/nowhere")
    return make_app(
        title="fuzzed",
        routers=[router],
        settings=ServiceSettings(
            database_url=SecretStr("postgresql://a:b@c/d"),
            kafka_bootstrap="k:1",
            keyring_url=AnyHttpUrl("http://k"),
            service_key_file=nowhere,
            service_jwks_file=nowhere,
            login_jwks_file=nowhere,
        ),
        health=Health(),
        metrics=Metrics(),
        verifiers=Verifiers(),
        clock=CLOCK,
        own_secret=b"s" * 32,
    )


APP = new_app()
PATHS = st.sampled_from(["/interests/01a20ed9-6e45-7809-a06a-9eff82aeae59", "/interests", "/secret", "/"]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=20
).map("/".__add__)
LATIN = st.text(st.characters(max_codepoint=255), max_size=40).map(lambda text: text.encode("latin-1"))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"content-type", b"content-length", b"authorization", b"idempotency-key", b"x-request-id", b"traceparent"]
        ),
        LATIN | st.sampled_from([b"application/json", b"Bearer a.b.c", b'"key"', b"99999999999999999999999", b"\xb2"]),
    ),
    max_size=5,
)
BODIES = st.binary(max_size=60) | st.sampled_from(
    [b'{"occupation": "kokk"}', b'{"occupation": "kokk", "since": "0001-01-01T00:00:00+23:59"}', b'{"weight": 1e300}']
)


async def request(method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query, "headers": headers,
        "server": ("x", 80), "client": ("192.0.2.1", 1),
    }  # fmt: skip
    await APP(scope, receive, send)
    return sent


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["GET", "POST", "PUT", "BREW"]), PATHS, LATIN, HEADERS, BODIES)
def test_every_request_is_answered_and_every_refusal_is_a_problem(
    method: str, path: str, query: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    start, *_ = asyncio.run(request(method, path, query, headers, body))
    answered = dict(start["headers"])
    assert start["status"] < 500
    assert b"x-request-id" in answered
    if start["status"] >= 400:
        assert answered[b"content-type"] == b"application/problem+json"
