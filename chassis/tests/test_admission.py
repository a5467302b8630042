"""At most so many requests have a place; the next is told to come back, probes are always answered, places come back."""

import asyncio

import httpx
import pytest
from chassis.admission import Admission
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class Slow:
    """Answers when it is let, or fails."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.entered = asyncio.Semaphore(0)
        self.inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        if Request(scope).url.path == "/broken":
            raise RuntimeError
        if Request(scope).url.path == "/slow":
            self.entered.release()
            await self.go.wait()
        await PlainTextResponse("done")(scope, receive, send)


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


async def test_one_more_than_there_are_places_is_told_to_come_back_and_probes_are_answered() -> None:
    slow = Slow()
    async with client(Admission(slow, 2)) as http:
        waiting = [asyncio.create_task(http.get("/slow")) for _ in range(2)]
        for _ in waiting:
            await slow.entered.acquire()
        refused = await http.get("/slow")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["content-type"] == "application/problem+json"
        assert slow.inside == 2
        for probe in ("/health/live", "/health/ready", "/metrics"):
            assert (await http.get(probe)).is_success
        slow.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
        assert (await http.get("/slow")).is_success


async def test_a_request_that_fails_or_whose_client_goes_gives_its_place_back() -> None:
    slow = Slow()
    async with client(Admission(slow, 1)) as http:
        with pytest.raises(RuntimeError):
            await http.get("/broken")
        gone = asyncio.create_task(http.get("/slow"))
        await slow.entered.acquire()
        gone.cancel()
        await asyncio.wait([gone])
        assert (await http.get("/quick")).is_success
