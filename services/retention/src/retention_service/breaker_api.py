"""The officers' view of the breaker, and their release of it: two of them, each with a key of their own."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

from chassis.problems import responses
from chassis.service import Service
from chassis.sql import borrow
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from retention_service import breaker, breaker_trips, held_back
from retention_service.officers import first_word, officer_of


class BreakerView(BaseModel):
    """Whether erasures are stopped, since when, and how many wait."""

    tripped: bool
    tripped_at: datetime | None = None
    begun: int | None = None
    """How many had begun within the hour before, of at most `most`."""
    most: int | None = None
    held_back: int = 0
    agreed: str | None = None
    """The officer who has agreed within the last seven days; another one is needed."""


class Released(BaseModel):
    """What an officer's word did."""

    released: bool
    """False: another officer must agree too."""
    held_back: int


def breaker_routes(service: Service, officers: Collection[str]) -> APIRouter:
    """`GET /breaker` and `POST /breaker/release`, for officers: the names of their keys are a setting."""
    router = APIRouter(prefix="/breaker", tags=["breaker"])
    officer = officer_of(officers)

    @router.get("", responses=responses(401, 403))
    async def show(_officer: Annotated[str, Depends(officer)]) -> BreakerView:
        async with borrow(service.database.pool) as connection:
            trip = await breaker_trips.open_one(connection)
            if trip is None:
                return BreakerView(tripped=False)
            return BreakerView(
                tripped=True,
                tripped_at=trip.tripped_at,
                begun=trip.begun,
                most=trip.most,
                held_back=await held_back.count(connection, trip.trip_id),
                agreed=first_word(trip.first_officer, trip.first_at, service.clock.now()),
            )

    @router.post("/release", responses=responses(401, 403, 409))
    async def release(name: Annotated[str, Depends(officer)]) -> Released:
        """Agree that what is held back may begin. It begins when a second officer has agreed."""
        async with service.database.transaction(keys=()) as tx:
            trip, released = await breaker.agree(tx, name)
            count = await held_back.count(tx.connection, trip.trip_id)
        return Released(released=released, held_back=count)

    return router
