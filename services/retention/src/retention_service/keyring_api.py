"""The keyring over HTTP: services make and fetch data keys, in bulk, each only of the categories it is allowed.

A key in an answer is base64; null means that it is destroyed or was never made. No answer may be kept by a cache.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal
from uuid import UUID

from chassis.json_bodies import RequestBody
from chassis.keys import FETCH_SIZE, NO_SUBJECT, KeyName
from chassis.logs import get_logger
from chassis.problems import invalid, responses, unavailable
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, SERVICE, Caller, require
from contracts.personal import Category, SubjectId
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.responses import Response

from retention_service import subject_keys
from retention_service.kek import BadKeks, KeyEncryptionKeys
from retention_service.key_access import may_make, may_read, readable
from retention_service.make_keys import make_keys
from retention_service.measures import RetentionMeasures

_NO_STORE = {"Cache-Control": "no-store"}
_log = get_logger()


class NewKeys(RequestBody):
    """The keys of one person."""

    subject_id: UUID
    categories: list[Category] = Field(min_length=1, max_length=len(Category))


class WantedKey(RequestBody):
    subject_id: UUID
    category: Category | Literal["log"]


class WantedKeys(RequestBody):
    """Keys of any number of people."""

    keys: list[WantedKey] = Field(min_length=1, max_length=FETCH_SIZE)


class KeyAnswer(BaseModel):
    """`key` is base64 of 32 bytes, or null."""

    subject_id: UUID
    category: str
    key: str | None


class KeysAnswer(BaseModel):
    keys: list[KeyAnswer]


class KeyringCount(BaseModel):
    """How many keys of one category live and were destroyed."""

    category: str
    living: int
    destroyed: int


class KeyringStatus(BaseModel):
    """The keyring at a glance; no key, and no person."""

    newest_epoch: int
    epochs: list[int]
    living_by_epoch: dict[int, int]
    categories: list[KeyringCount]


def keyring_routes(service: Service, keks: KeyEncryptionKeys, measures: RetentionMeasures) -> APIRouter:
    """`POST /keys`, `POST /keys/fetch` for services, and `GET /keyring/status` for the operator."""
    router = APIRouter(tags=["keyring"])

    @router.post("/keys", response_model=KeysAnswer, status_code=201, responses=responses(401, 403, 422, 503))
    async def make(wanted: NewKeys, caller: Annotated[Caller, Depends(require(SERVICE))]) -> Response:
        """Make a person's keys. Safe to repeat; a destroyed key is answered as null and never made again.

        A key that the caller may make and not read is left out of the answer while it lives.
        """
        may_make(caller.subject, wanted.categories)
        if wanted.subject_id == NO_SUBJECT:
            raise invalid("/body/subject_id", "is nobody's id")
        names = [KeyName(SubjectId(wanted.subject_id), category) for category in sorted(set(wanted.categories))]
        async with service.database.transaction(keys=()) as tx:
            outcome = await make_keys(tx, keks, names)
        rows = outcome.keys
        shown = [name for name in names if rows[name].wrapped is None or readable(caller.subject, name.category)]
        keys = _unwrapped(keks, [rows[name] for name in shown])
        return _answer(caller, shown, keys, measures, status=201 if outcome.made else 200)

    @router.post("/keys/fetch", response_model=KeysAnswer, responses=responses(401, 403, 422, 503))
    async def fetch(wanted: WantedKeys, caller: Annotated[Caller, Depends(require(SERVICE))]) -> Response:
        """The keys of these people and categories, in the order asked, each once."""
        may_read(caller.subject, {key.category for key in wanted.keys})
        names = list(dict.fromkeys(KeyName(SubjectId(key.subject_id), key.category) for key in wanted.keys))
        async with borrow(service.database.pool) as connection:
            rows = await subject_keys.find(connection, names)
        return _answer(caller, names, _unwrapped(keks, rows.values()), measures, status=200)

    @router.get("/keyring/status", dependencies=[Depends(require(OPERATOR))], responses=responses(401, 403))
    async def status() -> KeyringStatus:
        async with borrow(service.database.pool) as connection:
            counts = await subject_keys.count(connection)
            by_epoch = await subject_keys.count_by_epoch(connection)
        return KeyringStatus(
            newest_epoch=keks.newest,
            epochs=sorted(keks.epochs),
            living_by_epoch=dict(by_epoch),
            categories=[KeyringCount(category=c.category, living=c.living, destroyed=c.destroyed) for c in counts],
        )

    return router


def _unwrapped(keks: KeyEncryptionKeys, rows: Iterable[subject_keys.SubjectKey]) -> dict[KeyName, bytes]:
    try:
        opened = ((row.name, subject_keys.unwrap(keks, row)) for row in rows)
        return {name: key for name, key in opened if key is not None}
    except BadKeks as error:
        _log.critical("keyring.broken", error=str(error))
        raise unavailable("keyring", retry_after_seconds=60) from None


def _answer(
    caller: Caller, names: Sequence[KeyName], keys: dict[KeyName, bytes], measures: RetentionMeasures, *, status: int
) -> Response:
    measures.count_keys(caller.subject, living=len(keys), absent=len(names) - len(keys))
    items = [
        {
            "subject_id": str(name.subject_id),
            "category": name.category,
            "key": b64encode(keys[name]).decode() if name in keys else None,
        }
        for name in names
    ]
    return Response(json.dumps({"keys": items}), status, _NO_STORE, media_type="application/json")
