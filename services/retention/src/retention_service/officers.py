"""Who may do what one person alone must not do unseen: officers, each known by the name of their own key."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Annotated, Final

from chassis.problems import Problem
from chassis.tokens import OPERATOR, SERVICE, Caller, require
from fastapi import Depends

WORD_HOLDS: Final = timedelta(days=7)
"""How long the first officer's word waits for the second's: later the two would not speak of the same thing."""


def first_word(officer: str | None, said_at: datetime | None, now: datetime) -> str | None:
    """The first officer, while their word holds."""
    return officer if said_at is not None and now - said_at < WORD_HOLDS else None


def officer_of(officers: Collection[str]) -> Callable[..., Awaitable[str]]:
    """A dependency: the caller's name, when it is an officer's (TILLIT_OFFICERS)."""

    async def officer(caller: Annotated[Caller, Depends(require(OPERATOR, SERVICE))]) -> str:
        if caller.subject not in officers:
            raise Problem(403, "not-an-officer", "Not allowed", "TILLIT_OFFICERS names who may do this.")
        return caller.subject

    return officer
