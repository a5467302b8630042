"""A person's own deletion: asked for, looked at, and taken back within the cooling-off."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from chassis.idempotency import Answer, IdempotencyKey, idempotency_key, once
from chassis.json_bodies import RequestBody
from chassis.keys import LOG_KEY
from chassis.problems import not_found
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, require
from contracts.profile import DeletionReason
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, SecretStr

from chassis import problems
from profile_service import deletions
from profile_service.api_me import step_up
from profile_service.callers import EMPLOYER, JOB_SEEKER, subject_of
from profile_service.cancel_deletion import cancel_deletion
from profile_service.deletions import Deletion
from profile_service.passwords import Passwords
from profile_service.request_deletion import request_deletion
from profile_service.signed_in import profile_of


class Scope(StrEnum):
    """`profile`: the profile ends, and what the law or the policy keeps longer runs its own clock. `everything`: an
    erasure of the log of mails and of usage data too (GDPR Art. 17)."""

    PROFILE = "profile"
    EVERYTHING = "everything"


_REASONS: Final = {Scope.PROFILE: DeletionReason.TERMINATED, Scope.EVERYTHING: DeletionReason.REQUESTED}
_SCOPES: Final = {reason: scope for scope, reason in _REASONS.items()}


class DeletionForm(RequestBody):
    scope: Scope
    password: SecretStr = Field(max_length=1024)
    """The current one: a token alone, which may be stolen, deletes nobody."""


class DeletionShown(BaseModel):
    scope: Scope
    requested_at: datetime
    final_at: datetime
    """Until then it can be taken back."""


def deletion_routes(service: Service, passwords: Passwords, cooling_off: timedelta) -> APIRouter:
    router = APIRouter()
    person = Depends(require(JOB_SEEKER, EMPLOYER))

    @router.post(
        "/me/deletion",
        status_code=202,
        response_model=DeletionShown,
        responses=problems.responses(401, 403, 409),
    )
    async def ask(
        form: DeletionForm,
        request: Request,
        caller: Annotated[Caller, person],
        key: Annotated[IdempotencyKey | None, Depends(idempotency_key)],
    ) -> Response:
        """Have your profile deleted. Your data is not used from now on, and is erased when the cooling-off is over."""
        await step_up(service, passwords, request, caller, form.password)
        subject = subject_of(caller)
        async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:

            async def make() -> Answer:
                deletion = await request_deletion(tx, subject, _REASONS[form.scope], cooling_off)
                return Answer(202, _shown(deletion), "/me/deletion", subject)

            return await once(tx, key, make)

    @router.get("/me/deletion", responses=problems.responses(401, 403, 404))
    async def show(caller: Annotated[Caller, person]) -> DeletionShown:
        """The deletion that you asked for, while it can be taken back."""
        subject = subject_of(caller)
        async with borrow(service.database.pool) as connection:
            await profile_of(connection, subject)
            deletion = await deletions.find(connection, subject)
        if deletion is None:
            raise not_found("deletion")
        return _shown(deletion)

    @router.delete("/me/deletion", status_code=204, responses=problems.responses(401, 403, 404))
    async def cancel(caller: Annotated[Caller, person]) -> Response:
        """Take your deletion back."""
        subject = subject_of(caller)
        async with service.database.transaction([subject], keys=[LOG_KEY]) as tx:
            await cancel_deletion(tx, subject)
        return Response(status_code=204)

    return router


def _shown(deletion: Deletion) -> DeletionShown:
    return DeletionShown(scope=_SCOPES[deletion.reason], requested_at=deletion.requested_at, final_at=deletion.final_at)
