"""A list is read to its end in pages, and a cursor says only where to go on, in the list it came from."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

import httpx
import pytest
from chassis.paging import Cursors, Page, Paging, Position, paging
from chassis.problems import Problem, install
from fastapi import APIRouter, Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

_POSITIONS = st.lists(st.uuids() | st.integers() | st.datetimes(timezones=st.just(UTC)), min_size=1, max_size=4).map(
    tuple
)


def _position(number: int) -> Position:
    return (number,)


def new_client(count: int = 7) -> httpx.AsyncClient:
    router = APIRouter()

    @router.get("/numbers")
    async def numbers(page: Annotated[Paging, Depends(paging)], even: bool = False) -> Page[int]:
        after = 0 if page.after is None else page.after[0]
        rows: Sequence[int] = [n for n in range(1, count + 1) if n > after and not (even and n % 2)]  # type: ignore[operator]
        return page.page(rows[: page.limit + 1], _position)

    app = FastAPI()
    app.state.own_secret = b"s" * 32
    app.include_router(router)
    install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lists")


async def test_following_the_links_reads_every_item_once() -> None:
    read: list[int] = []
    async with new_client() as client:
        address: str | None = "/numbers?limit=3"
        while address is not None:
            response = await client.get(address)
            read += response.json()["items"]
            address = response.links["next"]["url"] if "next" in response.links else None
            assert (response.json()["next"] is None) == (address is None)
    assert read == [1, 2, 3, 4, 5, 6, 7]


async def test_a_link_keeps_the_filters() -> None:
    async with new_client() as client:
        first = await client.get("/numbers?even=true&limit=2")
        assert "even=true" in first.links["next"]["url"]
        assert (await client.get(first.links["next"]["url"])).json() == {"items": [6], "next": None}


async def test_an_exactly_full_last_page_has_no_next() -> None:
    async with new_client(count=3) as client:
        assert (await client.get("/numbers?limit=3")).json() == {"items": [1, 2, 3], "next": None}


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x"])
async def test_a_limit_outside_of_1_to_200_is_refused(limit: str) -> None:
    async with new_client() as client:
        assert (await client.get("/numbers", params={"limit": limit})).status_code == 422


async def test_a_cursor_of_another_list_or_filter_or_of_nobody_is_refused() -> None:
    async with new_client() as client:
        cursor = (await client.get("/numbers?limit=2")).json()["next"]
        for query in (
            {"even": "true", "cursor": cursor},
            {"cursor": cursor[:-1]},
            {"cursor": "W10"},
            {"cursor": "æ"},
            {"cursor": ""},
        ):
            refused = await client.get("/numbers", params=query)
            assert (refused.status_code, refused.json()["type"]) == (400, "urn:tillit:problem:invalid-cursor")


@given(_POSITIONS)
def test_a_position_comes_back_as_it_was(position: tuple[UUID | datetime | int, ...]) -> None:
    cursors = Cursors(b"s" * 32)
    assert cursors.decode(cursors.encode(position, "/a"), "/a") == position


@given(st.text(max_size=60))
def test_no_text_passes_as_a_cursor_without_our_signature(text: str) -> None:
    with pytest.raises(Problem):
        Cursors(b"s" * 32).decode(text, "/a")


def test_another_services_cursor_is_refused() -> None:
    with pytest.raises(Problem):
        Cursors(b"s" * 32).decode(Cursors(b"t" * 32).encode((uuid4(),), "/a"), "/a")
