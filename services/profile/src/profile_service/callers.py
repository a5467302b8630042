"""Knows who may call, and how often whoever has no token yet may knock. The operator, who imports, is not counted."""

from typing import Final
from uuid import UUID

from chassis.rate_limit import Limit
from chassis.tokens import OPERATOR, Caller, InvalidToken, Role, caller_of
from contracts.personal import SubjectId
from contracts.profile import ProfileKind
from fastapi import Request

JOB_SEEKER: Final = Role(ProfileKind.JOB_SEEKER.value)
EMPLOYER: Final = Role(ProfileKind.EMPLOYER.value)


def subject_of(caller: Caller) -> SubjectId:
    """The person who calls; their token was verified to name one."""
    return SubjectId(UUID(caller.subject))


class KnockLimit:
    """A dependency: how often one client address may call without a login."""

    def __init__(self, name: str, rate: str) -> None:
        self._limit = Limit(name, rate)

    async def __call__(self, request: Request) -> None:
        if not _is_operator(request):
            self._limit.hit(request)


def _is_operator(request: Request) -> bool:
    try:
        caller = caller_of(request)
    except InvalidToken:
        return False
    return caller is not None and caller.role == OPERATOR
