"""The keyring over HTTP: services make and fetch data keys, in bulk, each only of the categories it is allowed.

A key in an answer is base64; null means that it is destroyed or was never made. No answer may be kept by a cache.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Annotated, Final
from uuid import UUID

from chassis.json_bodies import RequestBody
from chassis.keys import FETCH_SIZE, NO_SUBJECT, KeyName
from chassis.problems import invalid, responses
from chassis.rate_limit import Limit
from chassis.scoped_keys import LOG_CATEGORY, BadKeyName, is_single, scope_of
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import SERVICE, Caller, require
from contracts.personal import SubjectId
from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from retention_service import subject_keys
from retention_service.kept_closed import closed
from retention_service.key_access import may_make, may_read, readable
from retention_service.keyring import Keyring
from retention_service.make_keys import make_keys
from retention_service.measures import RetentionMeasures


def _known(name: str) -> str:
    try:
        scope_of(name)
    except BadKeyName as error:
        raise ValueError(str(error)) from None
    return name


def _made_by_services(name: str) -> str:
    if _known(name) == LOG_CATEGORY:
        raise ValueError("the log's key is made with the keyring")
    return name


Known = Annotated[str, Field(max_length=60), AfterValidator(_known)]
Makeable = Annotated[str, Field(max_length=60), AfterValidator(_made_by_services)]
"""Names as `chassis.scoped_keys` reads them: a category, or a scope with the id of a single thing."""
_MOST_NAMES: Final = 20
_NO_STORE = {"Cache-Control": "no-store"}


class NewKeys(RequestBody):
    """The keys of one person, by category or of single things."""

    subject_id: UUID
    categories: list[Makeable] = Field(min_length=1, max_length=_MOST_NAMES)


class WantedKey(RequestBody):
    subject_id: UUID
    category: Known


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


def keyring_routes(service: Service, keyring: Keyring, measures: RetentionMeasures, limit: Limit) -> APIRouter:
    """`POST /keys` and `POST /keys/fetch`, for services."""
    router = APIRouter(tags=["keyring"])

    @router.post("/keys", response_model=KeysAnswer, status_code=201, responses=responses(401, 403, 422, 429, 503))
    async def make(request: Request, wanted: NewKeys, caller: Annotated[Caller, Depends(require(SERVICE))]) -> Response:
        """Make a person's keys. Safe to repeat; a destroyed key is answered as null and never made again.

        A key that the caller may make and not read is left out of the answer while it lives.
        """
        limit.hit_everywhere(request, caller.subject)
        may_make(caller.subject, wanted.categories)
        if wanted.subject_id == NO_SUBJECT:
            raise invalid("/body/subject_id", "is nobody's id")
        subject = SubjectId(wanted.subject_id)
        names = [KeyName(subject, category) for category in sorted(set(wanted.categories))]
        about = [subject] if any(is_single(name.category) for name in names) else []
        with closed():
            gone = (await keyring.destruction.settled(service.database)).pending
            async with service.database.transaction(about, keys=()) as tx:
                outcome = await make_keys(tx, keyring.store, names, confirmed=False)
        living = {name for name, row in outcome.keys.items() if row.wrapped is not None} - gone
        shown = [name for name in names if name not in living or readable(caller.subject, name.category)]
        keys = _unwrapped(keyring, [outcome.keys[name] for name in shown if name in living])
        return _answer(caller, shown, keys, measures, status=201 if outcome.made else 200)

    @router.post("/keys/fetch", response_model=KeysAnswer, responses=responses(401, 403, 422, 429, 503))
    async def fetch(
        request: Request, wanted: WantedKeys, caller: Annotated[Caller, Depends(require(SERVICE))]
    ) -> Response:
        """The keys of these people and categories, in the order asked, each once."""
        limit.hit_everywhere(request, caller.subject)
        may_read(caller.subject, {key.category for key in wanted.keys})
        names = list(dict.fromkeys(KeyName(SubjectId(key.subject_id), key.category) for key in wanted.keys))
        with closed():
            gone = (await keyring.destruction.settled(service.database)).pending
            async with borrow(service.database.pool) as connection:
                rows = await subject_keys.find(connection, [name for name in names if name not in gone])
        return _answer(caller, names, _unwrapped(keyring, rows.values()), measures, status=200)

    return router


def _unwrapped(keyring: Keyring, rows: Iterable[subject_keys.SubjectKey]) -> dict[KeyName, bytes]:
    found = {row.name: row.wrapped for row in rows if row.wrapped is not None}
    with closed():
        keks = keyring.store.knowing({wrapped.epoch for wrapped in found.values()})
        return {name: keks.unwrap(*name, wrapped) for name, wrapped in found.items()}


def _answer(
    caller: Caller, names: Sequence[KeyName], keys: dict[KeyName, bytes], measures: RetentionMeasures, *, status: int
) -> Response:
    for name in names:
        measures.count_key(caller.subject, scope_of(name.category), living=name in keys)
    items = [
        {
            "subject_id": str(name.subject_id),
            "category": name.category,
            "key": b64encode(keys[name]).decode() if name in keys else None,
        }
        for name in names
    ]
    return Response(json.dumps({"keys": items}), status, _NO_STORE, media_type="application/json")
