"""Knows whether the person whom a token names still has a profile: a token outlives it by up to a quarter of an hour."""

from chassis.problems import Problem
from chassis.sql import Connection
from chassis.transaction import Transaction
from contracts.personal import Category, SubjectId

from profile_service import profiles
from profile_service.profiles import Profile


async def signed_in(tx: Transaction, subject: SubjectId) -> Profile:
    """The person's profile, under their lock.

    Raises:
        Problem: 401 when it ended, or was erased.
    """
    if tx.state(subject).is_erased(Category.USER_INFORMATION):
        raise signed_out()
    return await profile_of(tx.connection, subject)


async def profile_of(connection: Connection, subject: SubjectId) -> Profile:
    """The person's profile, to show it.

    Raises:
        Problem: 401 when it ended, or was erased.
    """
    profile = await profiles.find(connection, subject)
    if profile is None:
        raise signed_out()
    return profile


def signed_out() -> Problem:
    """What whoever has no profile (any more) is told, whatever their token says."""
    challenge = 'Bearer realm="tillit", error="invalid_token"'
    return Problem(
        401, "unauthenticated", "Not authenticated", "Log in again.", headers={"WWW-Authenticate": challenge}
    )
