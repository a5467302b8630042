"""Positions: published and closed by employers, read by everybody."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from chassis.idempotency import Answer, IdempotencyKey, idempotency_key, once
from chassis.json_bodies import RequestBody
from chassis.keys import LOG_KEY
from chassis.paging import Page, Paging, paging
from chassis.problems import not_found
from chassis.rate_limit import limited
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, require
from contracts.position import ClosingReason
from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, Field

from chassis import problems
from profile_service import positions
from profile_service.callers import EMPLOYER, subject_of
from profile_service.clean_html import clean_html
from profile_service.close_position import close_position
from profile_service.positions import Advert, Position
from profile_service.publish_position import publish_position
from profile_service.text_fields import Label, Line

_READING: Final = limited("positions", "600/minute")


class PositionForm(RequestBody):
    """An advert. Name no person in it: contact persons have their own place, which is not there yet."""

    title: Line
    occupation: Label
    place: Label
    description_html: str | None = Field(default=None, max_length=50_000)
    expires_at: AwareDatetime | None = None
    external_id: Line | None = None
    """The employer's own name for it: publishing the same advert under it again changes nothing."""

    def advert(self) -> Advert:
        return Advert(
            title=self.title,
            occupation=self.occupation,
            place=self.place,
            description_html=None if self.description_html is None else clean_html(self.description_html),
            expires_at=self.expires_at,
            external_id=self.external_id,
        )


class ClosingForm(RequestBody):
    reason: Literal["withdrawn", "filled"] = "withdrawn"


class PositionSaved(BaseModel):
    position_id: UUID


class PositionListed(BaseModel):
    position_id: UUID
    employer_id: UUID
    employer_name: str
    title: str
    occupation: str
    place: str
    published_at: datetime
    expires_at: datetime | None


class PositionShown(PositionListed):
    description_html: str | None
    closed_at: datetime | None
    closing_reason: ClosingReason | None


def position_routes(service: Service) -> APIRouter:
    router = APIRouter()
    employer = Depends(require(EMPLOYER))

    @router.post(
        "/positions",
        status_code=201,
        response_model=PositionSaved,
        responses={200: {"model": PositionSaved, "description": "It was published before"}}
        | problems.responses(401, 403, 409),
    )
    async def publish(
        form: PositionForm,
        caller: Annotated[Caller, employer],
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
    ) -> Response:
        """Publish a position of your employer; people who asked for such positions are told."""
        subject = subject_of(caller)
        async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:

            async def make() -> Answer:
                position_id, new = await publish_position(tx, subject, form.advert())
                saved = PositionSaved(position_id=position_id)
                return Answer(201 if new else 200, saved, f"/positions/{position_id}")

            return await once(tx, key, make)

    @router.post(
        "/positions/{position_id}/close",
        status_code=204,
        responses=problems.responses(401, 403, 404),
        response_model=None,
    )
    async def close(
        position_id: UUID,
        form: ClosingForm,
        caller: Annotated[Caller, employer],
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
    ) -> Response:
        """Close a position of your employer: nobody else is told of it."""
        subject = subject_of(caller)
        async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:

            async def make() -> Answer:
                await close_position(tx, subject, position_id, ClosingReason(form.reason))
                return Answer(204)

            return await once(tx, key, make)

    @router.get("/positions", dependencies=[Depends(_READING)])
    async def list_open(asked: Annotated[Paging, Depends(paging)]) -> Page[PositionListed]:
        """Open positions, newest first."""
        before = asked.after[0] if asked.after is not None else None
        async with borrow(service.database.pool) as connection:
            rows = await positions.all_open(
                connection,
                service.clock.now(),
                before=before if isinstance(before, UUID) else None,
                limit=asked.limit + 1,
            )
        page = asked.page(rows, lambda row: (row.position_id,))
        return Page(items=[_listed(row) for row in page.items], next=page.next)

    @router.get("/positions/{position_id}", dependencies=[Depends(_READING)], responses=problems.responses(404))
    async def show(position_id: UUID) -> PositionShown:
        """One position, open or closed."""
        async with borrow(service.database.pool) as connection:
            row = await positions.find(connection, position_id)
        if row is None:
            raise not_found("position")
        return PositionShown(
            **_listed(row).model_dump(),
            description_html=row.advert.description_html,
            closed_at=row.closed_at,
            closing_reason=row.closing_reason,
        )

    return router


def _listed(row: Position) -> PositionListed:
    return PositionListed(
        position_id=row.position_id,
        employer_id=row.employer_id,
        employer_name=row.employer_name,
        title=row.advert.title,
        occupation=row.advert.occupation,
        place=row.advert.place,
        published_at=row.published_at,
        expires_at=row.advert.expires_at,
    )
