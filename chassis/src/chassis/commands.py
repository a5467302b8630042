"""Refuses commands while the service's database is from the past: what it forgot would be put back behind them."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import APIRouter, Depends, Request

from chassis import recoveries
from chassis.database import Database
from chassis.problems import Problem
from chassis.sql import borrow

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_RETRY_AFTER_SECONDS: Final = 10


async def take_commands(database: Database) -> None:
    """Return if what the service is told now comes after all that it was told before.

    Raises:
        Problem: 503 `catching-up`; a restored database has not read its own past to the end.
    """
    async with borrow(database.pool) as connection:
        catching_up = await recoveries.open_one(connection) is not None
    if catching_up:
        raise Problem(
            503,
            "catching-up",
            "Catching up after a restore",
            "Nothing was done. Send the request again later, with the same Idempotency-Key if it had one.",
            headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
        )


def refused_in_recovery(database: Database, router: APIRouter) -> APIRouter:
    """The router, whose routes that change something are refused until then."""
    guarded = APIRouter()
    guarded.include_router(router, dependencies=[Depends(_guard(database))])
    return guarded


def _guard(database: Database) -> Callable[[Request], Awaitable[None]]:
    async def guard(request: Request) -> None:
        if request.method not in _READS:
            await take_commands(database)

    return guard
