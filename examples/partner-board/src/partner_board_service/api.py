"""The partner board over HTTP, for the operator: publish a position, and see what is kept here."""

from uuid import UUID

from chassis.json_bodies import RequestBody
from chassis.keys import LOG_KEY
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import OPERATOR, require
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from partner_board_service import departures, wishes
from partner_board_service.publish_position import publish_position


class PartnerPosition(RequestBody):
    partner_id: UUID
    partner: str = Field(min_length=1, max_length=200)
    title: str = Field(min_length=1, max_length=200)
    occupation: str = Field(min_length=1, max_length=100)
    place: str = Field(min_length=1, max_length=100)


class Published(BaseModel):
    position_id: UUID


class Standing(BaseModel):
    """How many wishes are kept, and how many people were forgotten so far."""

    wishes: int
    forgotten: int


def routes(service: Service) -> APIRouter:
    router = APIRouter(dependencies=[Depends(require(OPERATOR))])

    @router.post("/positions", status_code=201)
    async def publish(form: PartnerPosition) -> Published:
        async with service.database.transaction(keys=[LOG_KEY]) as tx:
            position = publish_position(tx, form.partner_id, form.partner, form.title, form.occupation, form.place)
        return Published(position_id=position)

    @router.get("/standing")
    async def standing() -> Standing:
        async with borrow(service.database.pool) as connection:
            return Standing(wishes=await wishes.count(connection), forgotten=await departures.total(connection))

    return router
