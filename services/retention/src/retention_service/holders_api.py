"""The officers' view of who holds data of people, and their word that one of them is gone for good."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

from chassis.json_bodies import RequestBody
from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from retention_service import erasure_holders, holder_retirements, holders
from retention_service.ask_holders import Asking
from retention_service.holder_retirements import Retirement
from retention_service.officers import first_word, officer_of
from retention_service.retire_holder import retire_holder


class HolderView(BaseModel):
    """One holder. `waiting` are open erasures that it has not answered; `agreed` the officer who gave it up first,
    whose word waits seven days for another's."""

    holder: str
    registered_at: datetime
    tables: int
    required: bool
    waiting: int
    agreed: str | None
    reason: str | None
    retired_at: datetime | None


class RetirementRequest(RequestBody):
    """Why it is gone for good: words about a service, never about a person."""

    reason: str = Field(min_length=1, max_length=500)


class Retired(BaseModel):
    """What an officer's word did. False: another officer must agree too."""

    retired: bool


def holder_routes(service: Service, officers: Collection[str], asking: Asking) -> APIRouter:
    """`GET /holders` and `POST /holders/{holder}/retirement`, for officers."""
    router = APIRouter(prefix="/holders", tags=["holders"])
    officer = officer_of(officers)

    @router.get("", responses=responses(401, 403))
    async def list_holders(_officer: Annotated[str, Depends(officer)]) -> list[HolderView]:
        """All that ever registered, by name."""
        async with borrow(service.database.pool) as connection:
            known = await holders.ever_registered(connection)
            silent = await erasure_holders.count_silent(connection)
            retirements = await holder_retirements.all_of_them(connection)
        views: list[HolderView] = []
        for one in known:
            retirement = retirements.get(one.holder)
            views.append(
                HolderView(
                    holder=one.holder,
                    registered_at=one.registered_at,
                    tables=len({table.table for table in one.tables}),
                    required=one.holder in asking.required,
                    waiting=0 if one.retired_at is not None else silent.get(one.holder, 0),
                    agreed=_agreed(retirement, service.clock.now()),
                    reason=retirement.reason if retirement is not None else None,
                    retired_at=one.retired_at,
                )
            )
        return views

    @router.post("/{holder}/retirement", responses=responses(401, 403, 404, 409, 422))
    async def retire(
        holder: Annotated[str, Path(max_length=100)],
        body: RetirementRequest,
        name: Annotated[str, Depends(officer)],
    ) -> Retired:
        """Agree that this holder is gone for good. It is retired when a second officer has agreed."""
        async with service.database.transaction(keys=()) as tx:
            await holders.hold_alone(tx.connection)
            return Retired(retired=await retire_holder(tx, holder, body.reason, name, asking))

    return router


def _agreed(retirement: Retirement | None, now: datetime) -> str | None:
    if retirement is None or retirement.retired_at is not None:
        return retirement and retirement.first_officer
    return first_word(retirement.first_officer, retirement.first_at, now)
