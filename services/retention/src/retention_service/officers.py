"""Who may do what one person alone must not do unseen: officers, each known by the name of their own key."""

from collections.abc import Awaitable, Callable, Collection
from typing import Annotated

from chassis.problems import Problem
from chassis.tokens import OPERATOR, SERVICE, Caller, require
from fastapi import Depends


def officer_of(officers: Collection[str]) -> Callable[..., Awaitable[str]]:
    """A dependency: the caller's name, when it is an officer's (TILLIT_OFFICERS)."""

    async def officer(caller: Annotated[Caller, Depends(require(OPERATOR, SERVICE))]) -> str:
        if caller.subject not in officers:
            raise Problem(403, "not-an-officer", "Not allowed", "TILLIT_OFFICERS names who may do this.")
        return caller.subject

    return officer
