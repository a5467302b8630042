"""Tells every service which keys were destroyed since it last asked: a push that was lost is made up for in seconds."""

import asyncio
import re
from typing import Annotated, Final
from uuid import UUID

from chassis.problems import invalid, responses
from chassis.service import Service
from chassis.tokens import SERVICE, Caller, require
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from starlette.responses import Response

from retention_service.destroyed_ledger import BadLedger
from retention_service.kept_closed import closed
from retention_service.key_access import may_know, readable
from retention_service.keyring import Keyring

_PLACE: Final = re.compile(r"([0-9a-f-]{36})\.(\d{1,18})")


class DestroyedName(BaseModel):
    """A key that opens nothing any more."""

    subject_id: UUID
    category: str


class DestroyedAnswer(BaseModel):
    """Destroyed keys of the categories that the caller may read, oldest first, and where to go on.

    `reset` means that the caller's place is unknown here: it forgets every key that it holds.
    """

    keys: list[DestroyedName]
    after: str
    more: bool
    reset: bool


def destroyed_keys_routes(service: Service, keyring: Keyring) -> APIRouter:
    """`GET /keys/destroyed`, for services."""
    router = APIRouter(tags=["keyring"])
    ledger = keyring.destruction.ledger

    @router.get("/keys/destroyed", responses=responses(401, 403, 422, 503))
    async def destroyed(
        response: Response,
        caller: Annotated[Caller, Depends(require(SERVICE))],
        after: Annotated[str | None, Query(max_length=60)] = None,
    ) -> DestroyedAnswer:
        """At most 1,000 names after a place that an earlier answer gave; without one, only where to begin."""
        response.headers["Cache-Control"] = "no-store"
        may_know(caller.subject)
        with closed():
            state = (await keyring.destruction.settled(service.database)).state
        place = _place(after, state.ledger_id) if after is not None else None
        if place is None or place > state.applied:
            return DestroyedAnswer(keys=[], after=f"{state.ledger_id}.{state.applied}", more=False, reset=True)
        with closed():
            try:
                part = await asyncio.to_thread(ledger.read, place, state.applied)
            except BadLedger:
                if place == 0:
                    raise
                raise invalid("/query/after", "is no place that an answer gave") from None
        names = [
            DestroyedName(subject_id=name.subject_id, category=name.category)
            for name, _ in part.destroyed
            if readable(caller.subject, name.category)
        ]
        after_it = f"{state.ledger_id}.{part.after}"
        return DestroyedAnswer(keys=names, after=after_it, more=part.after < state.applied, reset=False)

    return router


def _place(after: str, ledger_id: UUID) -> int | None:
    match = _PLACE.fullmatch(after)
    if match is None:
        raise invalid("/query/after", "is no place that an answer gave")
    return int(match[2]) if match[1] == str(ledger_id) else None
