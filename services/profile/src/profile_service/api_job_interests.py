"""What a job seeker looks for: saved, shown and removed by themselves."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.idempotency import Answer, IdempotencyKey, idempotency_key, once
from chassis.json_bodies import RequestBody
from chassis.keys import KeySet
from chassis.problems import not_found
from chassis.records import open_record
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, require
from contracts.personal import ERASED
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from chassis import problems
from profile_service import job_interests
from profile_service.callers import JOB_SEEKER, subject_of
from profile_service.job_interests import JobInterest, Words
from profile_service.remove_job_interest import remove_job_interest
from profile_service.save_job_interest import save_job_interest
from profile_service.signed_in import profile_of, signed_out
from profile_service.text_fields import Label


class JobInterestForm(RequestBody):
    """Positions of this occupation, in this place; without a place: anywhere."""

    occupation: Label
    place: Label | None = None


class InterestSaved(BaseModel):
    interest_id: UUID


class InterestShown(BaseModel):
    interest_id: UUID
    occupation: str
    place: str | None
    saved_at: datetime


class Interests(BaseModel):
    """All of them: their number is bounded."""

    items: list[InterestShown]


def job_interest_routes(service: Service) -> APIRouter:
    router = APIRouter()
    job_seeker = Depends(require(JOB_SEEKER))

    @router.post(
        "/me/job-interests",
        status_code=201,
        response_model=InterestSaved,
        responses={200: {"model": InterestSaved, "description": "It was saved before"}}
        | problems.responses(401, 403, 409),
    )
    async def save(
        form: JobInterestForm,
        caller: Annotated[Caller, job_seeker],
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
    ) -> Response:
        """Be told of positions of an occupation, in a place or anywhere, from the next one on."""
        subject = subject_of(caller)
        async with service.database.transaction([subject]) as tx:

            async def make() -> Answer:
                interest_id, new = await save_job_interest(tx, subject, form.occupation, form.place)
                where = f"/me/job-interests/{interest_id}"
                return Answer(201 if new else 200, InterestSaved(interest_id=interest_id), where, subject)

            return await once(tx, key, make)

    @router.get("/me/job-interests", responses=problems.responses(401, 403))
    async def show_all(caller: Annotated[Caller, job_seeker]) -> Interests:
        """Everything you asked to be told of."""
        subject = subject_of(caller)
        keys = await service.keys.fetch(service.keys.names_for([subject]))
        async with borrow(service.database.pool) as connection:
            await profile_of(connection, subject)
            rows = await job_interests.all_of(connection, subject)
        return Interests(items=[_shown(row, keys) for row in rows])

    @router.get("/me/job-interests/{interest_id}", responses=problems.responses(401, 403, 404))
    async def show(interest_id: UUID, caller: Annotated[Caller, job_seeker]) -> InterestShown:
        """One of your own."""
        subject = subject_of(caller)
        keys = await service.keys.fetch(service.keys.names_for([subject]))
        async with borrow(service.database.pool) as connection:
            await profile_of(connection, subject)
            row = await job_interests.find(connection, subject, interest_id)
        if row is None:
            raise not_found("job interest")
        return _shown(row, keys)

    @router.delete("/me/job-interests/{interest_id}", status_code=204, responses=problems.responses(401, 403, 404))
    async def remove(interest_id: UUID, caller: Annotated[Caller, job_seeker]) -> Response:
        """Be told of such positions no longer."""
        subject = subject_of(caller)
        async with service.database.transaction([subject]) as tx:
            await remove_job_interest(tx, subject, interest_id)
        return Response(status_code=204)

    return router


def _shown(row: JobInterest, keys: KeySet) -> InterestShown:
    words = open_record(Words, row.words, keys)
    occupation, place = words.occupation.reveal(), words.place.reveal()
    if occupation is ERASED or place is ERASED:
        raise signed_out()
    return InterestShown(interest_id=row.interest_id, occupation=occupation, place=place, saved_at=row.saved_at)
