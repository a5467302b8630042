"""A person's own profile: read and corrected by themselves."""

import json
from datetime import date, datetime
from typing import Annotated, Final, cast
from uuid import UUID

from chassis.problems import Problem
from chassis.rate_limit import Limit
from chassis.records import open_record
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, require
from contracts.personal import ERASED
from contracts.profile import HomeAddress, ProfileKind
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, JsonValue, SecretStr

from chassis import problems
from profile_service import employers, resumes
from profile_service.callers import EMPLOYER, JOB_SEEKER, subject_of
from profile_service.correct_profile import correct_profile
from profile_service.email_address import email_hash
from profile_service.log_in import proves
from profile_service.passwords import Passwords
from profile_service.person_forms import CorrectedDetailsForm
from profile_service.profiles import Details
from profile_service.resumes import Resume
from profile_service.signed_in import profile_of, signed_out

_STEP_UP: Final = Limit("step-up login", "10/minute")


class EmployerShown(BaseModel):
    employer_id: UUID
    orgnr: str
    name: str


class MyProfile(BaseModel):
    """Everything of the caller's own profile but the password."""

    subject_id: UUID
    kind: ProfileKind
    registered_at: datetime
    name: str
    email: str
    phone: str | None
    home_address: HomeAddress | None
    date_of_birth: date | None
    resume: dict[str, JsonValue] | None
    employer: EmployerShown | None


async def step_up(
    service: Service, passwords: Passwords, request: Request, caller: Caller, password: SecretStr
) -> None:
    """Have the caller prove who they are once more: a token alone may be stolen.

    Raises:
        Problem: 403 for a wrong password; 429 when it was guessed at too often, from wherever.
    """
    _STEP_UP.hit_everywhere(request, caller.subject)
    if not await proves(service, passwords, subject_of(caller), password):
        raise Problem(403, "wrong-password", "Wrong password", "This is not your current password.")


def me_routes(service: Service, passwords: Passwords) -> APIRouter:
    router = APIRouter()
    person = Depends(require(JOB_SEEKER, EMPLOYER))
    own_key = service.own_key

    @router.get("/me", responses=problems.responses(401, 403))
    async def show_me(caller: Annotated[Caller, person]) -> MyProfile:
        """Your own profile."""
        subject = subject_of(caller)
        keys = await service.keys.fetch(service.keys.names_for([subject]))
        async with borrow(service.database.pool) as connection:
            profile = await profile_of(connection, subject)
            sealed_resume = await resumes.find(connection, subject)
            employer = None
            if profile.employer_id is not None:
                employer = await employers.find(connection, profile.employer_id)
        details = open_record(Details, profile.details, keys)
        name, email, phone = details.name.reveal(), details.email.reveal(), details.phone.reveal()
        address, born = details.home_address.reveal(), details.date_of_birth.reveal()
        resume = None if sealed_resume is None else open_record(Resume, sealed_resume, keys).document.reveal()
        if name is ERASED or email is ERASED or phone is ERASED or address is ERASED or born is ERASED:
            raise signed_out()
        return MyProfile(
            subject_id=subject,
            kind=profile.kind,
            registered_at=profile.registered_at,
            name=name,
            email=email,
            phone=phone,
            home_address=address,
            date_of_birth=born,
            resume=None if resume is None or resume is ERASED else cast("dict[str, JsonValue]", json.loads(resume)),
            employer=None
            if employer is None
            else EmployerShown(employer_id=employer.employer_id, orgnr=employer.orgnr, name=employer.name),
        )

    @router.put("/me/profile", status_code=204, responses=problems.responses(401, 403, 409))
    async def correct_me(form: CorrectedDetailsForm, request: Request, caller: Annotated[Caller, person]) -> Response:
        """Correct your details: they become as they are told here, whole."""
        if form.password is not None:
            await step_up(service, passwords, request, caller, form.password)
        known_by, subject = email_hash(own_key, form.email), subject_of(caller)
        async with service.database.transaction([subject]) as tx:
            await correct_profile(
                tx, subject, form.details(), email_hash=known_by, password_given=form.password is not None
            )
        return Response(status_code=204)

    return router
