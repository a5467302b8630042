"""A keyring for tests: a real HTTP server that speaks the keyring's contract and keeps its keys in memory."""

import asyncio
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from types import TracebackType
from typing import Final
from uuid import uuid4

from contracts.personal import SubjectId
from contracts.privacy import ErasureRequested
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.edge import serve
from chassis.erasures_since import PATH, ErasuresSince
from chassis.keyring_answers import DestroyedKey, KeysDestroyed, KeysFound, KeyState
from chassis.keys import FETCH_SIZE, LOG_KEY, KeyName, KeySet
from chassis.scoped_keys import is_single, scope_of
from chassis.sealing import KEY_BYTES
from chassis.testing.containers import free_port

_PAGE: Final = 2


class _NewKeys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject_id: SubjectId
    categories: list[str] = Field(min_length=1)


class _WantedKey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject_id: SubjectId
    category: str


class _WantedKeys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[_WantedKey] = Field(min_length=1, max_length=FETCH_SIZE)


class KeyringServer:
    """`async with KeyringServer() as keyring`: serves at `keyring.url`, in this event loop, until the block ends.

    A key is made once and destroyed for good, as in the real one; whoever sends any bearer token is believed.
    """

    def __init__(self) -> None:
        self.unavailable = False
        """While set, every request is answered with 503."""
        self.requests: Counter[str] = Counter()
        """How often each path was asked, answered or not."""
        self.keys_fetched = 0
        """How many keys were asked for in all."""
        self.tells_destroyed = True
        """While not set, what was destroyed is asked for in vain (503): only a push tells it."""
        self._destroyed: list[KeyName] = []
        self.erasures: list[ErasureRequested] = []
        """What every holder is told that it erased, whatever moment it asks for."""
        self.asked_since: list[datetime] = []
        """The moments since which holders asked for erasures."""
        self._ledger = uuid4()
        self._port = free_port()
        self._keys: dict[KeyName, bytes | None] = {LOG_KEY: os.urandom(KEY_BYTES)}
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> "KeyringServer":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Accept connections, at the same address as before."""
        accepting = asyncio.Event()
        self._stop = asyncio.Event()
        self._serving = asyncio.create_task(
            serve(
                self._app(),
                "127.0.0.1",
                self._port,
                stop=self._stop,
                started=lambda _port: accepting.set(),
                drain_seconds=1,
            )
        )
        waiting = asyncio.create_task(accepting.wait())
        await asyncio.wait({self._serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._serving.done():
            self._serving.result()

    async def stop(self) -> None:
        """Close every connection and refuse new ones; the keys stay."""
        self._stop.set()
        if self._serving is not None:
            await self._serving

    def make(self, subject: SubjectId, categories: Iterable[str]) -> None:
        """Make these keys, unless they are there or were destroyed, alone or with all of their category."""
        for category in categories:
            if self._keys.get(KeyName(subject, scope_of(category)), b"") is None:
                self._keys[KeyName(subject, category)] = None
            self._keys.setdefault(KeyName(subject, category), os.urandom(KEY_BYTES))

    def destroy(self, subject: SubjectId, categories: Collection[str]) -> None:
        """Destroy these keys, and those of single things of these categories; they are not made again."""
        singles = [name.category for name in self._keys if name.subject_id == subject and is_single(name.category)]
        for category in [*categories, *(name for name in singles if scope_of(name) in set(categories))]:
            self._keys[KeyName(subject, category)] = None
            self._destroyed.append(KeyName(subject, category))

    def lose(self, subject: SubjectId, categories: Iterable[str]) -> None:
        """These keys are not there and never were, as after a restore from before they were made."""
        for category in categories:
            self._keys.pop(KeyName(subject, category), None)

    def key(self, subject: SubjectId, category: str) -> bytes | None:
        """The key's bytes; None when it was destroyed or never made."""
        return self._keys.get(KeyName(subject, category))

    def key_set(self, names: Iterable[KeyName]) -> KeySet:
        """The living ones of these keys and the log's own, as a service would hold them."""
        found = {name: self._keys.get(name) for name in (LOG_KEY, *names)}
        return KeySet({name: AESGCM(key) for name, key in found.items() if key is not None})

    def _app(self) -> FastAPI:
        app = FastAPI(dependencies=[Depends(self._admit)], openapi_url=None)

        @app.post("/keys")
        async def make(wanted: _NewKeys, response: Response) -> KeysFound:
            names = [KeyName(wanted.subject_id, category) for category in sorted(set(wanted.categories))]
            response.status_code = 200 if all(name in self._keys for name in names) else 201
            self.make(wanted.subject_id, wanted.categories)
            return self._answer(names)

        @app.post("/keys/fetch")
        async def fetch(wanted: _WantedKeys) -> KeysFound:
            self.keys_fetched += len(wanted.keys)
            return self._answer([KeyName(key.subject_id, key.category) for key in wanted.keys])

        @app.get("/keys/destroyed")
        async def destroyed(after: str | None = None) -> KeysDestroyed:
            if not self.tells_destroyed:
                raise HTTPException(503)
            ledger, _, place = (after or "").partition(".")
            end = len(self._destroyed)
            if ledger != str(self._ledger) or int(place) > end:
                return KeysDestroyed(keys=[], after=f"{self._ledger}.{end}", more=False, reset=True)
            part = self._destroyed[int(place) : int(place) + FETCH_SIZE]
            reached = int(place) + len(part)
            keys = [DestroyedKey(subject_id=name.subject_id, category=name.category) for name in part]
            return KeysDestroyed(keys=keys, after=f"{self._ledger}.{reached}", more=reached < end, reset=False)

        @app.get(PATH)
        async def since(moment: datetime, cursor: int = 0) -> ErasuresSince:
            self.asked_since.append(moment)
            page, rest = self.erasures[cursor : cursor + _PAGE], self.erasures[cursor + _PAGE :]
            return ErasuresSince(items=page, next=str(cursor + _PAGE) if rest else None)

        return app

    async def _admit(self, request: Request) -> None:
        self.requests[request.url.path] += 1
        if self.unavailable:
            raise HTTPException(503, headers={"Retry-After": "1"})
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise HTTPException(401)

    def _answer(self, names: Iterable[KeyName]) -> KeysFound:
        return KeysFound(
            keys=[
                KeyState(
                    subject_id=name.subject_id,
                    category=name.category,
                    key=None if (key := self._keys.get(name)) is None else b64encode(key).decode(),
                )
                for name in names
            ]
        )
