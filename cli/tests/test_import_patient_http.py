"""Against a real HTTP server that answers from a script."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from tillit_cli.patient_http import PatientHttp, Refused, Unreachable


class Scripted:
    """Answers each request with the next of its answers, and keeps what was asked."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.requests: list[str] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        answer = self._answers.pop(0)
        if answer:
            writer.write(answer.encode())
            await writer.drain()
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[PatientHttp]:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        port = int(server.sockets[0].getsockname()[1])
        http = PatientHttp("profile", f"http://127.0.0.1:{port}")
        async with server:
            yield http
            await http.close()


def answer(status: str, body: object = None, *headers: str) -> str:
    text = json.dumps(body)
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(text)}", "Connection: close", *headers, "", text]
    return "\r\n".join(lines)


def keys_of(scripted: Scripted) -> list[str]:
    return [
        line.partition(": ")[2]
        for request in scripted.requests
        for line in request.split("\r\n")
        if line.lower().startswith("idempotency-key")
    ]


async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_key() -> None:
    scripted = Scripted("", answer("503 Service Unavailable", None, "Retry-After: 0"), answer("201 Created", {"n": 1}))
    async with scripted.serving() as http:
        got = await http.call("POST", "/things", body={"a": 1}, idempotency_key="k1")
    assert got.json() == {"n": 1}
    assert keys_of(scripted) == ['"k1"'] * 3


async def test_a_service_that_asks_to_wait_is_waited_for_as_long_as_it_says() -> None:
    scripted = Scripted(answer("429 Too Many Requests", None, "Retry-After: 1"), answer("200 OK", {}))
    async with scripted.serving() as http:
        began = asyncio.get_running_loop().time()
        await http.call("POST", "/things", body={})
        assert asyncio.get_running_loop().time() - began >= 1


async def test_who_asks_for_an_hour_is_told_of_instead_of_waited_for() -> None:
    scripted = Scripted(answer("429 Too Many Requests", None, "Retry-After: 3600"))
    async with scripted.serving() as http:
        with pytest.raises(Unreachable, match="profile did not take POST /things: status 429"):
            await http.call("POST", "/things", body={})


async def test_a_refusal_is_told_in_the_words_of_its_problem_document() -> None:
    problem = {
        "type": "urn:tillit:problem:invalid-request",
        "title": "The request does not have the required form",
        "status": 422,
        "errors": [{"pointer": "/body/title", "detail": "is too long"}],
    }
    scripted = Scripted(answer("422 Unprocessable Content", problem))
    async with scripted.serving() as http:
        with pytest.raises(Refused, match="/body/title: is too long") as refusal:
            await http.call("POST", "/things", body={})
    assert (refusal.value.status, refusal.value.slug) == (422, "invalid-request")


async def test_a_refusal_that_is_no_problem_document_is_told_by_its_status() -> None:
    scripted = Scripted(answer("404 Not Found", "gone"))
    async with scripted.serving() as http:
        with pytest.raises(Refused, match="status 404"):
            await http.call("GET", "/things")


async def test_a_service_that_is_down_is_named_in_the_failure() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    http = PatientHttp("retention", f"http://127.0.0.1:{port}", tries=2)
    with pytest.raises(Unreachable, match="retention did not take GET /health/live: ConnectError"):
        await http.call("GET", "/health/live")
    await http.close()
