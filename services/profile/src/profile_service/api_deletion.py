"""A person's own deletion: asked for, looked at, and taken back within the cooling-off."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

from chassis.idempotency import Answer, IdempotencyKey, idempotency_key, once
from chassis.json_bodies import RequestBody
from chassis.keys import LOG_KEY
from chassis.problems import Problem, not_found
from chassis.rate_limit import limited
from chassis.service import Service
from chassis.sql import borrow
from chassis.tokens import Caller, require
from contracts.profile import DeletionReason
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field, SecretStr
from starlette.responses import HTMLResponse

from chassis import problems
from profile_service import cancel_tokens, deletions
from profile_service.api_me import step_up
from profile_service.callers import EMPLOYER, JOB_SEEKER, subject_of
from profile_service.cancel_deletion import cancel_by_link, cancel_deletion
from profile_service.deletion_page import ASK, CANCELLED, GONE
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
LinkToken: TypeAlias = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]
_LIMITED: Final = [Depends(limited("cancel links", "60/minute"))]
_NO_SUCH_LINK: Final[dict[str, object]] = {
    "content": {"text/html": {"schema": {"type": "string"}}},
    "description": "Gone",
}
_LINK: Final[dict[int | str, dict[str, object]]] = {**problems.responses(422, 429, 503), 404: _NO_SUCH_LINK}


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
        async with service.database.transaction([subject]) as tx:

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

    @router.get("/cancel-deletion/{token}", response_class=HTMLResponse, responses=_LINK, dependencies=_LIMITED)
    async def ask_again(token: LinkToken) -> HTMLResponse:
        """The page behind the link in the mail. Looking at it changes nothing."""
        async with borrow(service.database.pool) as connection:
            known = await cancel_tokens.whose(connection, token, service.clock.now())
        return _page(GONE, 404) if known is None else _page(ASK)

    @router.post("/cancel-deletion/{token}", response_class=HTMLResponse, responses=_LINK, dependencies=_LIMITED)
    async def cancel_from_mail(token: LinkToken) -> HTMLResponse:
        """Take the deletion back, by the link alone, once."""
        try:
            await cancel_by_link(service, token)
        except Problem as problem:
            if problem.status not in (401, 404):
                raise
            return _page(GONE, 404)
        return _page(CANCELLED)

    return router


def _page(text: str, status: int = 200) -> HTMLResponse:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
    return HTMLResponse(text, status, headers)


def _shown(deletion: Deletion) -> DeletionShown:
    return DeletionShown(scope=_SCOPES[deletion.reason], requested_at=deletion.requested_at, final_at=deletion.final_at)
