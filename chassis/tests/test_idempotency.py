"""A POST repeated with its key happens once, whoever repeats it when, and its kept answer tells nothing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
from asyncpg import Pool
from chassis.clock import MovedClock
from chassis.database import connect_pool
from chassis.idempotency import Answer, IdempotencyKey, check_routes, forget, idempotency_key, once
from chassis.json_bodies import RequestBody
from chassis.keys import KeySet
from chassis.migrations import CHASSIS
from chassis.problems import Problem, install
from chassis.records import Cause
from chassis.sql import borrow
from chassis.testing.containers import Postgres
from chassis.testing.databases import fresh_database
from chassis.tokens import Verifiers
from chassis.transaction import Transaction
from contracts.personal import Personal, UserInformation
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel
from starlette.responses import Response

NAME = "Kari Nordmann-Testesen"


class NewNote(RequestBody):
    text: str


class Note(BaseModel):
    id: UUID


class Told(BaseModel):
    name: Personal[str, UserInformation]


@dataclass
class Notes:
    """A service with one POST: what it made is counted, and `during` is awaited in the middle of its transaction."""

    pool: Pool
    clock: MovedClock
    made: list[UUID] = field(default_factory=list[UUID])
    during: asyncio.Event | None = None
    fails: bool = False

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with borrow(self.pool) as connection, connection.transaction():
            yield Transaction(
                connection,
                clock=self.clock,
                keys=KeySet({}),
                states={},
                cause=Cause(uuid4()),
                source="profile",
                topic_prefix="",
                signing_key=Ed25519PrivateKey.generate(),
            )

    def client(self) -> httpx.AsyncClient:
        router = APIRouter()

        @router.post("/notes", response_model=Note, status_code=201)
        async def add(body: NewNote, key: Annotated[IdempotencyKey | None, Depends(idempotency_key)]) -> Response:
            async def make() -> Answer:
                made = uuid4()
                self.made.append(made)
                if self.during is not None:
                    await self.during.wait()
                if self.fails:
                    raise Problem(409, "not-now", "Not now")
                return Answer(201, Note(id=made), location=f"/notes/{made}", subject_id=made)

            async with self.transaction() as tx:
                return await once(tx, key, make)

        app = FastAPI()
        app.state.own_secret = b"s" * 32
        app.state.verifiers = Verifiers()
        app.include_router(router)
        install(app)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notes")

    async def rows(self) -> list[Any]:
        async with self.transaction() as tx:
            return await tx.fetch(
                "SELECT scope, key_hash, request_hash, subject_id, status, response, location FROM idempotency_keys"
            )


@pytest.fixture
async def notes(postgres: Postgres) -> AsyncIterator[Notes]:
    async with fresh_database(postgres, service="profile", migrations=[CHASSIS]) as database:
        pool = await connect_pool(database.dsn, size=5)
        yield Notes(pool, MovedClock(datetime(2026, 3, 1, tzinfo=UTC)))
        pool.terminate()


def post(client: httpx.AsyncClient, key: str | None, text: str = "a") -> Any:
    return client.post("/notes", json={"text": text}, headers={} if key is None else {"idempotency-key": key})


async def test_a_repeated_request_gets_the_first_answer_and_happens_once(notes: Notes) -> None:
    async with notes.client() as client:
        first, again, bare = [await post(client, key) for key in ('"k-1"', '"k-1"', "k-1")]
    assert len(notes.made) == 1
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() == bare.json() == {"id": str(notes.made[0])}
    assert first.headers["location"] == again.headers["location"] == f"/notes/{notes.made[0]}"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_without_a_key_or_with_another_every_request_happens(notes: Notes) -> None:
    async with notes.client() as client:
        for key in (None, None, '"k-1"', '"k-2"'):
            assert (await post(client, key)).status_code == 201
    assert len(notes.made) == 4


async def test_a_key_used_with_another_body_is_refused(notes: Notes) -> None:
    async with notes.client() as client:
        await post(client, '"k-1"')
        refused = await post(client, '"k-1"', text="b")
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:tillit:problem:idempotency-key-reused")
    assert len(notes.made) == 1


async def test_two_at_once_with_one_key_happen_once_and_get_one_answer(notes: Notes) -> None:
    notes.during = asyncio.Event()
    async with notes.client() as client:
        both = [asyncio.create_task(post(client, '"k-1"')) for _ in range(2)]
        await asyncio.sleep(0.3)
        assert len(notes.made) == 1
        notes.during.set()
        first, second = [(await task).json() for task in both]
    assert first == second == {"id": str(notes.made[0])}
    assert len(notes.made) == 1


async def test_when_the_first_fails_the_one_that_waited_does_it(notes: Notes) -> None:
    notes.during, notes.fails = asyncio.Event(), True
    async with notes.client() as client:
        failing = asyncio.create_task(post(client, '"k-1"'))
        await asyncio.sleep(0.2)
        waiting = asyncio.create_task(post(client, '"k-1"'))
        await asyncio.sleep(0.2)
        notes.during.set()
        assert (await failing).status_code == 409
        notes.fails = False
        await waiting
        assert (await post(client, '"k-1"')).status_code == 201
    assert len(await notes.rows()) == 1


async def test_a_first_request_that_takes_too_long_is_not_waited_for_for_ever(notes: Notes) -> None:
    notes.during = asyncio.Event()
    async with notes.client() as client:
        slow = asyncio.create_task(post(client, '"k-1"'))
        await asyncio.sleep(0.2)
        refused = await post(client, '"k-1"')
        notes.during.set()
        assert (await slow).status_code == 201
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tillit:problem:idempotency-key-in-use")
    assert refused.headers["retry-after"] == "1"


async def test_neither_key_nor_body_can_be_read_or_guessed_from_the_row(notes: Notes) -> None:
    async with notes.client() as client:
        await post(client, '"kari-nordmann"', text=NAME)
    (row,) = await notes.rows()
    assert row["scope"] == "POST /notes"
    assert len(row["key_hash"]) == len(row["request_hash"]) == 32
    assert (row["subject_id"], row["status"]) == (notes.made[0], 201)
    assert NAME not in str(row)
    assert "kari" not in str(row)


async def test_kept_answers_are_forgotten_after_their_time(notes: Notes) -> None:
    async with notes.client() as client:
        await post(client, '"old"')
        notes.clock.advance(timedelta(hours=25))
        await post(client, '"new"')
        async with notes.transaction() as tx:
            await forget(tx.connection, notes.clock.now() - timedelta(hours=24), 10)
        assert len(await notes.rows()) == 1
        await post(client, '"old"')
    assert len(notes.made) == 3


async def test_a_key_that_is_not_one_is_refused(notes: Notes) -> None:
    async with notes.client() as client:
        for key in ("", '""', '"open', "a b", "x" * 300, '"' + "x" * 256 + '"'):
            assert (await post(client, key)).status_code in (400, 422)
    assert notes.made == []


async def test_an_answer_with_a_personal_field_is_never_kept(notes: Notes) -> None:
    async def make() -> Answer:
        return Answer(200, Told(name=Personal[str, UserInformation](NAME)))

    with pytest.raises(TypeError, match="Told has a Personal field"):
        async with notes.transaction() as tx:
            await once(tx, IdempotencyKey("POST /x", b"k", b"r", None), make)
    assert await notes.rows() == []


@pytest.mark.parametrize("model", [Told, list[Told], Told | None, dict[str, list[Told]]])
def test_a_route_that_keeps_a_personal_answer_is_refused_when_it_is_declared(model: Any) -> None:
    router = APIRouter()

    @router.post("/told", response_model=model)
    async def told(key: Annotated[IdempotencyKey | None, Depends(idempotency_key)]) -> None:
        return None

    outer = APIRouter()
    outer.include_router(router)
    with pytest.raises(TypeError, match="Idempotency-Key"):
        check_routes(outer.routes)


def test_a_route_that_keeps_no_answer_may_tell() -> None:
    router = APIRouter()

    @router.post("/told", response_model=Told)
    async def told() -> None:
        return None

    check_routes(router.routes)
