"""Tells a holder which erasures it answered since a moment: one that was restored from before carries them out again."""

from datetime import datetime
from typing import Annotated, cast
from uuid import UUID

from chassis.erasures_since import PATH
from chassis.paging import Page, Paging, paging
from chassis.problems import responses, unavailable
from chassis.recovery import of_today
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import SERVICE, Caller, require
from contracts.privacy import ErasureRequested
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime

from retention_service import erasure_holders, erasures
from retention_service.ask_holders import request_of


def erasures_since_routes(service: Service) -> APIRouter:
    """`GET /erasures/since`, for services: each is told of its own part only."""
    router = APIRouter(tags=["erasures"])

    @router.get(PATH, responses=responses(400, 401, 403, 422, 503))
    async def erasures_since(
        moment: AwareDatetime,
        caller: Annotated[Caller, Depends(require(SERVICE))],
        page: Annotated[Paging, Depends(paging)],
    ) -> Page[ErasureRequested]:
        """Requests that the caller answered since then, in the order of its answers; 503 while ours may not be all."""
        if not await of_today(service):
            raise unavailable("record of erasures")
        after = cast("tuple[datetime, UUID]", page.after) if page.after else None
        async with borrow(service.database.pool) as connection:
            answers = await erasure_holders.answered_since(
                connection, caller.subject, moment, after=after, limit=page.limit + 1
            )
            found = await erasures.find_all(connection, [answer.erasure_id for answer in answers])
            shown = page.page(answers, lambda answer: (answer.replied_at, answer.erasure_id))
            requests = [await request_of(connection, found[answer.erasure_id]) for answer in shown.items]
        return Page(items=requests, next=shown.next)

    return router
