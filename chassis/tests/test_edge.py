"""Whatever a client sends, the edge answers with a problem document, and says nothing about anyone."""

import asyncio
import io
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
import structlog
from chassis.clock import MovedClock, monotonic
from chassis.edge import make_app, serve
from chassis.errors import KeyringUnavailable, SubjectGone
from chassis.health import Health
from chassis.json_bodies import RequestBody
from chassis.jwks import StaticKeys, jwks
from chassis.logs import SafeError
from chassis.metrics import Metrics
from chassis.rate_limit import limited
from chassis.request_heads import HEAD_BYTES
from chassis.settings import ServiceSettings
from chassis.tokens import OPERATOR, SERVICE, Caller, Signer, Verifier, Verifiers, internal_audience, require
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import APIRouter, Depends, FastAPI, Query
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, field_validator
from starlette.responses import Response

from chassis import edge, logs, problems, telemetry

NAME = "Kari Nordmann-Testesen"
JSON = {"content-type": "application/json"}
CLOCK = MovedClock(datetime(2026, 3, 1, tzinfo=UTC))
PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
SIGNER = Signer("profile", PEM, CLOCK)


class NewPerson(RequestBody):
    name: str = Field(max_length=30)
    age: int = 0
    id: UUID | None = None

    @field_validator("name")
    @classmethod
    def _no_digits(cls, name: str) -> str:
        if any(character.isdigit() for character in name):
            raise problems.InvalidValue("may not hold digits")
        if name == "quoted":
            raise ValueError(f"{NAME} is no name")
        return name


class Greeting(BaseModel):
    text: str


def routes() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/people/{place}", response_model=Greeting, status_code=201)
    async def add(place: str, person: NewPerson) -> Greeting:
        return Greeting(text=f"{person.name} of {place}")

    @router.get("/people/{person_id}")
    async def read(person_id: UUID, limit: Annotated[int, Query(ge=1)] = 1) -> Greeting:
        raise problems.not_found("person")

    @router.get("/internal")
    async def internal(caller: Annotated[Caller, Depends(require(SERVICE))]) -> Greeting:
        return Greeting(text=caller.subject)

    @router.get("/operator")
    async def operator(caller: Annotated[Caller, Depends(require(OPERATOR))]) -> Greeting:
        return Greeting(text=caller.subject)

    @router.get("/knock", dependencies=[Depends(limited("knock", "2/minute"))])
    async def knock() -> Greeting:
        return Greeting(text="come in")

    @router.get("/broken")
    async def broken() -> Greeting:
        raise RuntimeError(f"{NAME} was here")

    @router.get("/smuggle")
    async def smuggle() -> Response:
        return Response(headers={"Location": "/x\r\nSet-Cookie: a=b"})

    @router.get("/slow")
    async def slow() -> Greeting:
        await asyncio.sleep(0.5)
        return Greeting(text="done")

    @router.get("/stuck")
    async def stuck() -> Greeting:
        await asyncio.sleep(60)
        return Greeting(text="never")

    return router


def settings(**changes: Any) -> ServiceSettings:
    nowhere = Path("/nowhere")
    return ServiceSettings(
        database_url=SecretStr("postgresql://a:b@c/d"),
        kafka_bootstrap="k:1",
        keyring_url=AnyHttpUrl("http://k"),
        service_key_file=nowhere,
        service_jwks_file=nowhere,
        login_jwks_file=nowhere,
        **changes,
    )


def new_app(health: Health | None = None, **changes: Any) -> FastAPI:
    return make_app(
        title="profile",
        routers=[routes()],
        settings=settings(**changes),
        health=health or Health(),
        metrics=Metrics(),
        verifiers=Verifiers(Verifier(StaticKeys(jwks([SIGNER.jwk()])), internal_audience("profile"), CLOCK)),
        clock=CLOCK,
        own_secret=b"s" * 32,
    )


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://profile")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers, root.level
    out = io.StringIO()
    logs.configure("profile", "INFO", out)
    yield out
    structlog.reset_defaults()
    root.handlers, root.level = before[0], before[1]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(new_app()) as client:
        yield client


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["type"] == f"urn:tillit:problem:{slug}"
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    assert NAME not in response.text
    return document


async def test_a_good_request_is_answered_with_the_edges_headers(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/people/Oslo", json={"name": "Ola"})
    assert (response.status_code, response.json()) == (201, {"text": "Ola of Oslo"})
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        (b"{", JSON, 400, "malformed-json"),
        (b'{"name": "a", "name": "b"}', JSON, 400, "malformed-json"),
        (b'{"name": "\xff"}', JSON, 400, "invalid-encoding"),
        (b'{"name": "a\\u0000"}', JSON, 422, "invalid-request"),
        (b'{"name": "\\ud800"}', JSON, 422, "invalid-request"),
        (b"[" * 5000, JSON, 400, "malformed-json"),
        (b'{"name": "a", "age": 1e400}', JSON, 400, "malformed-json"),
        (b'{"name": "a"}', {}, 415, "unsupported-media-type"),
        (b'{"name": "a"}', {"content-type": "text/plain"}, 415, "unsupported-media-type"),
        (b'{"name": "a"}', {"content-type": "application/json; charset=latin-1"}, 415, "unsupported-media-type"),
        (b"name=a", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
        (b"", JSON, 422, "invalid-request"),
        (b"null", JSON, 422, "invalid-request"),
        (b'"text"', JSON, 422, "invalid-request"),
        (b'{"name": ["a"]}', JSON, 422, "invalid-request"),
        (b'{"name": "a", "age": "x"}', JSON, 422, "invalid-request"),
    ],
)
async def test_a_bad_body_gets_its_problem(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int, slug: str
) -> None:
    problem(await client.post("/v1/people/Oslo", content=body, headers=headers), status, slug)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", 'application/json;charset="UTF-8"', "Application/JSON"]
)
async def test_json_in_utf_8_is_taken_however_it_is_spelled(client: httpx.AsyncClient, kind: str) -> None:
    body = '{"name": "Åse"}'.encode()
    response = await client.post("/v1/people/Oslo", content=body, headers={"content-type": kind})
    assert response.json() == {"text": "Åse of Oslo"}


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({"name": "a", "nick": NAME}, "/body/nick", "is not a known member here"),
        ({"name": "a", NAME: 1}, "/body", "is not a known member here"),
        ({"name": NAME * 3}, "/body/name", "String should have at most 30 characters"),
        ({"name": "R2D2"}, "/body/name", "may not hold digits"),
        ({"name": "quoted"}, "/body/name", "has a value that is not allowed"),
        ({"name": "a", "id": NAME}, "/body/id", "is not valid (uuid parsing)"),
        ({}, "/body/name", "Field required"),
    ],
)
async def test_each_wrong_member_is_pointed_at_and_never_quoted(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str, detail: str
) -> None:
    document = problem(await client.post("/v1/people/Oslo", json=body), 422, "invalid-request")
    assert document["errors"] == [{"pointer": pointer, "detail": detail}]


async def test_a_wrong_path_or_query_parameter_is_pointed_at(client: httpx.AsyncClient) -> None:
    document = problem(await client.get(f"/v1/people/{NAME}", params={"limit": "0"}), 422, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == ["/path/person_id", "/query/limit"]


async def test_an_unknown_path_and_method_are_problems(client: httpx.AsyncClient) -> None:
    problem(await client.get("/v1/nothing"), 404, "not-found")
    refused = await client.delete("/v1/people/01a20ed9-6e45-7809-a06a-9eff82aeae59")
    problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"]


@pytest.mark.parametrize("address", ["/v1/people/a%00b", "/v1/knock?x=%00"])
async def test_a_nul_in_an_address_is_refused(client: httpx.AsyncClient, address: str) -> None:
    problem(await client.get(address), 400, "invalid-target")


async def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 1000

    async with client_of(new_app(body_limit_bytes=4096)) as client:
        said = await client.post("/v1/people/Oslo", content=b"x" * 5000, headers=JSON)
        unsaid = await client.post("/v1/people/Oslo", content=chunks(), headers=JSON)
    assert "content-length" in said.request.headers
    assert "content-length" not in unsaid.request.headers
    problem(said, 413, "body-too-large")
    problem(unsaid, 413, "body-too-large")


async def test_an_unexpected_error_tells_its_request_id_and_nothing_else(
    client: httpx.AsyncClient, stream: io.StringIO
) -> None:
    document = problem(await client.get("/v1/broken"), 500, "unexpected")
    assert document.keys() == {"type", "title", "status", "detail", "request_id"}
    assert NAME not in stream.getvalue()


async def test_a_header_with_a_line_break_is_never_sent(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/smuggle")
    assert response.status_code == 500
    assert "set-cookie" not in response.headers


async def test_without_a_token_the_answer_is_401_and_with_a_wrong_role_403(client: httpx.AsyncClient) -> None:
    missing = await client.get("/v1/internal")
    problem(missing, 401, "unauthenticated")
    assert missing.headers["www-authenticate"] == 'Bearer realm="tillit"'
    for value in (
        "Bearer x",
        "Bearer a.b.c",
        f"bearer {SIGNER.internal('profile')}x",
        f"BEARER  {SIGNER.internal('profile')}",
    ):
        bad = await client.get("/v1/internal", headers={"authorization": value})
        problem(bad, 401, "unauthenticated")
        assert 'error="invalid_token"' in bad.headers["www-authenticate"]
    good = {"authorization": f"Bearer {SIGNER.internal('profile')}"}
    assert (await client.get("/v1/internal", headers=good)).json() == {"text": "profile"}
    problem(await client.get("/v1/operator", headers=good), 403, "forbidden")


async def test_who_knocks_too_often_is_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert (await client.get("/v1/knock")).status_code == 200
    refused = await client.get("/v1/knock")
    problem(refused, 429, "too-many-requests")
    assert refused.headers["retry-after"] == "60"


async def test_a_request_id_is_kept_when_it_is_one_and_replaced_when_not(client: httpx.AsyncClient) -> None:
    given = "01a20ed9-6e45-7809-a06a-9eff82aeae59"
    assert (await client.get("/v1/nothing", headers={"x-request-id": given})).headers["x-request-id"] == given
    replaced = (await client.get("/v1/nothing", headers={"x-request-id": "kari@example.no"})).headers["x-request-id"]
    assert UUID(replaced).version == 7


async def test_the_access_line_has_the_route_and_neither_address_nor_query(
    client: httpx.AsyncClient, stream: io.StringIO
) -> None:
    response = await client.get("/v1/people/01a20ed9-6e45-7809-a06a-9eff82aeae59", params={"limit": "7777"})
    await client.get("/v1/people/hemmelig/nothing")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first["event"] == "http.answered"
    assert (first["method"], first["route"], first["status"]) == ("GET", "/v1/people/{person_id}", 404)
    assert first["request_id"] == response.headers["x-request-id"]
    assert second["route"] == "unmatched"
    for secret in ("01a20ed9-6e45", "7777", "hemmelig", "127.0.0.1"):
        assert secret not in stream.getvalue()


async def test_requests_are_measured_by_route_and_strange_methods_as_one(client: httpx.AsyncClient) -> None:
    await client.get("/v1/knock")
    await client.request("BREW", "/v1/knock")
    text = (await client.get("/metrics")).text
    assert 'tillit_http_requests_total{method="GET",route="/v1/knock",status="200"} 1.0' in text
    assert 'method="other"' in text
    assert "BREW" not in text


async def test_requests_are_traced_by_route_and_probes_are_not(client: httpx.AsyncClient) -> None:
    memory = InMemorySpanExporter()
    active = telemetry.configure("profile", settings(trace_ratio=1.0), memory)
    sampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await client.get("/v1/people/01a20ed9-6e45-7809-a06a-9eff82aeae59?limit=7777", headers={"traceparent": sampled})
    await client.get("/health/live")
    active.shutdown()
    (span,) = memory.get_finished_spans()
    assert span.name == "GET /v1/people/{person_id}"
    assert span.parent is None
    assert "7777" not in span.to_json()
    assert "01a20ed9" not in span.to_json()


async def test_health_answers_503_with_the_part_that_is_not_well() -> None:
    async def no() -> bool:
        return False

    health = Health()
    health.check("database", no)
    async with client_of(new_app(health)) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"ok": False, "parts": {"database": False}})


async def test_openapi_3_1_documents_every_error_as_a_problem(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    answers = document["paths"]["/v1/people/{place}"]["post"]["responses"]
    assert "application/problem+json" in answers["422"]["content"]
    assert "HTTPValidationError" not in json.dumps(document)
    assert document["components"]["schemas"]["ProblemDocument"]["title"] == "ProblemDocument"
    assert "/metrics" not in document["paths"]


def test_a_body_model_that_lets_unknown_members_pass_is_refused_at_start() -> None:
    class Loose(BaseModel):
        name: str

    router = APIRouter()

    @router.post("/loose")
    async def loose(body: Loose) -> None:
        return None

    with pytest.raises(TypeError, match="use RequestBody"):
        make_app(
            title="x",
            routers=[router],
            settings=settings(),
            health=Health(),
            metrics=Metrics(),
            verifiers=Verifiers(),
            clock=CLOCK,
            own_secret=b"s",
        )


async def served(stop: asyncio.Event, **options: Any) -> tuple[asyncio.Task[None], str]:
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(new_app(), "127.0.0.1", 0, stop=stop, started=port.set_result, **options))
    return task, f"http://127.0.0.1:{await port}"


async def test_a_request_in_flight_is_answered_before_the_server_stops() -> None:
    stop = asyncio.Event()
    task, url = await served(stop)
    async with httpx.AsyncClient(base_url=url) as client:
        in_flight = asyncio.create_task(client.get("/v1/slow"))
        await asyncio.sleep(0.1)
        stop.set()
        assert (await in_flight).json() == {"text": "done"}
        await asyncio.wait_for(task, 5)
        with pytest.raises(httpx.ConnectError):
            await client.get("/v1/knock")


async def test_a_request_that_does_not_end_is_given_up_at_the_bound() -> None:
    stop = asyncio.Event()
    task, url = await served(stop, drain_seconds=1.0)
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        stuck = asyncio.create_task(client.get("/v1/stuck"))
        await asyncio.sleep(0.1)
        began = monotonic()
        stop.set()
        await asyncio.wait_for(task, 10)
        assert 0.5 < monotonic() - began < 4
        assert (await stuck).status_code == 500


async def test_what_does_not_answer_now_is_told_as_unavailable_and_what_is_erased_as_gone() -> None:
    router = APIRouter()

    @router.get("/keyring")
    async def keyring() -> None:
        raise KeyringUnavailable("no answer")

    @router.get("/database")
    async def database() -> None:
        raise ConnectionRefusedError(111, NAME)

    @router.get("/erased")
    async def erased() -> None:
        raise SubjectGone("keys destroyed")

    app = new_app()
    app.include_router(router)
    async with client_of(app) as client:
        for address in ("/keyring", "/database"):
            answer = await client.get(address)
            assert address[1:] in problem(answer, 503, "unavailable")["detail"]
            assert answer.headers["retry-after"] == "5"
        problem(await client.get("/erased"), 410, "erased")


async def test_a_taken_port_is_refused_with_the_setting_to_change() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SafeError, match="TILLIT_HTTP_PORT"):
            await serve(new_app(), "127.0.0.1", taken.getsockname()[1], stop=asyncio.Event())


async def exchange(url: str, request: bytes) -> bytes:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def test_over_a_real_connection_errors_log_once_with_the_request_id_and_hostile_bytes_are_refused(
    stream: io.StringIO,
) -> None:
    stop = asyncio.Event()
    task, url = await served(stop)
    async with httpx.AsyncClient(base_url=url) as client:
        response = await client.get("/v1/broken")
    close = b"Host: x\r\nConnection: close\r\n\r\n"
    split = await exchange(url, b"GET /v1/knock HTTP/1.1\r\nX-Request-Id: a\x00b\r\n" + close)
    chunked = await exchange(
        url,
        b"POST /v1/people/Oslo HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        + close
        + b"2\r\n{}\r\n0\r\n\r\n",
    )
    stop.set()
    await asyncio.wait_for(task, 5)

    assert split.startswith(b"HTTP/1.1 400")
    assert chunked.startswith(b"HTTP/1.1 422")
    assert b"server:" not in chunked.lower()
    errors = [line for line in map(json.loads, stream.getvalue().splitlines()) if line["level"] == "error"]
    assert [line["error"] for line in errors] == [["RuntimeError"]]
    assert errors[0]["request_id"] == response.headers["x-request-id"]
    assert NAME not in stream.getvalue()


@pytest.mark.parametrize("endless", [b"X-More: b\r\n" * 8192, b"X-Long: " + b"b" * HEAD_BYTES], ids=["many", "one"])
async def test_a_head_without_end_is_refused_and_not_kept(endless: bytes) -> None:
    stop = asyncio.Event()
    task, url = await served(stop)
    answer = await exchange(url, (b"GET /v1/knock HTTP/1.1\r\nHost: x\r\n" + endless)[: HEAD_BYTES + 1])
    stop.set()
    await asyncio.wait_for(task, 5)
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_body_that_comes_too_slowly_is_not_waited_for() -> None:
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    app = new_app(body_seconds=0.2)
    task = asyncio.create_task(serve(app, "127.0.0.1", 0, stop=stop, started=port.set_result))
    head = b"POST /v1/people/Oslo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
    answer = await exchange(f"http://127.0.0.1:{await port}", head)
    stop.set()
    await asyncio.wait_for(task, 5)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:tillit:problem:body-timeout" in answer


async def test_one_connection_more_than_there_may_be_is_sent_away_by_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edge, "CONNECTIONS", 3)
    stop = asyncio.Event()
    task, url = await served(stop)
    host, port = url.removeprefix("http://").split(":")
    idle = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
    request = b"GET /v1/knock HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert (await exchange(url, request)).startswith(b"HTTP/1.1 503")
    for _, writer in idle:
        writer.close()
        await writer.wait_closed()
    assert not (await exchange(url, request)).startswith(b"HTTP/1.1 503")
    stop.set()
    await asyncio.wait_for(task, 5)


async def test_an_address_with_raw_bytes_in_its_query_is_refused_as_such() -> None:
    stop = asyncio.Event()
    task, url = await served(stop)
    answer = await exchange(url, b"GET /v1/knock?a=\x80 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    stop.set()
    await asyncio.wait_for(task, 5)
