"""Knows when a person last did something here: what they did themselves, never what was done to or for them (trap 53)."""

from datetime import datetime, timedelta
from typing import Final

from chassis.service import Service

from profile_service import logins
from profile_service.logins import Login
from profile_service.profiles import Profile

_A_DAY: Final = timedelta(days=1)
"""How exactly it is known: two years are not measured in minutes, and a login is not a write."""


async def note_login(service: Service, login: Login) -> None:
    """Write down that they logged in, once a day."""
    if login.used_at is not None and service.clock.now() - login.used_at < _A_DAY:
        return
    async with service.database.transaction([login.subject_id], keys=()) as tx:
        await logins.used(tx.connection, login.subject_id, tx.now())


def last_activity(profile: Profile, login: Login | None) -> datetime:
    """The last time that they registered, corrected their details, or logged in."""
    times = [profile.registered_at, profile.corrected_at, login.used_at if login is not None else None]
    return max(moment for moment in times if moment is not None)
