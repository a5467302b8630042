"""Registering: job seekers, users of employers, and employers."""

from typing import Annotated, Final
from uuid import UUID

from chassis.idempotency import Answer, IdempotencyKey, idempotency_key, once
from chassis.service import Service
from chassis.tokens import OPERATOR, Caller, require
from contracts.personal import Personal, UserInformation
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from chassis import problems
from profile_service.callers import KnockLimit
from profile_service.email_address import email_hash
from profile_service.passwords import Passwords
from profile_service.person_forms import EmployerForm, EmployerUserForm, JobSeekerForm
from profile_service.register import NewPerson, known_employer, new_subject, register

_JOB_SEEKERS: Final = KnockLimit("register job seeker", "60/minute")
_EMPLOYER_USERS: Final = KnockLimit("register employer user", "60/minute")


class Registered(BaseModel):
    """A new profile, by its random id. Log in to read it."""

    subject_id: UUID


class EmployerRegistered(BaseModel):
    employer_id: UUID


class _AnsweredBefore(Exception):
    """Rolls back: a repeated request leaves no trace, not even the row of an id drawn for it."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def registration_routes(service: Service, passwords: Passwords) -> APIRouter:
    router = APIRouter()
    refusals = problems.responses(409)
    own_key = service.own_key

    async def make_profile(person: NewPerson, key: IdempotencyKey | None) -> Response:
        subject = await new_subject(service)

        async def make() -> Answer:
            await register(tx, subject, person)
            return Answer(201, Registered(subject_id=subject), "/me", subject)

        try:
            async with service.database.transaction([subject]) as tx:
                response = await once(tx, key, make)
                if "Idempotent-Replayed" in response.headers:
                    raise _AnsweredBefore(response)
        except _AnsweredBefore as before:
            return before.response
        return response

    @router.post("/job-seekers", status_code=201, response_model=Registered, responses=refusals)
    async def register_job_seeker(
        form: JobSeekerForm,
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
        _: Annotated[None, Depends(_JOB_SEEKERS)],
    ) -> Response:
        """Make a profile for somebody who looks for work."""
        password_hash = Personal[str, UserInformation](await passwords.hash(form.password))
        known_by = email_hash(own_key, form.email)
        return await make_profile(NewPerson(form.details(), known_by, password_hash, form.resume_text()), key)

    @router.post("/employer-users", status_code=201, response_model=Registered, responses=refusals)
    async def register_employer_user(
        form: EmployerUserForm,
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
        _: Annotated[None, Depends(_EMPLOYER_USERS)],
    ) -> Response:
        """Make a profile for somebody who acts for an employer, which is registered too when it is new."""
        password_hash = Personal[str, UserInformation](await passwords.hash(form.password))
        known_by = email_hash(own_key, form.email)
        employer = (form.employer.name, form.employer.orgnr)
        return await make_profile(NewPerson(form.details(), known_by, password_hash, employer=employer), key)

    @router.post(
        "/employers", status_code=201, response_model=EmployerRegistered, responses=problems.responses(401, 403)
    )
    async def register_employer(
        form: EmployerForm,
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
        _: Annotated[Caller, Depends(require(OPERATOR))],
    ) -> Response:
        """Register an organisation, or find the one with this number; it keeps the name it was first given."""
        async with service.database.transaction(keys=()) as tx:

            async def make() -> Answer:
                employer = await known_employer(tx, form.name, form.orgnr)
                return Answer(201, EmployerRegistered(employer_id=employer.employer_id))

            return await once(tx, key, make)

    return router
