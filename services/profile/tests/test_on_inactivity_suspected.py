"""Inactivity is decided by the one who knows: a person who was here meanwhile stays, whatever retention believed."""

from datetime import timedelta

from chassis.clock import MovedClock
from chassis.sql import borrow
from chassis.testing.services import deliver
from contracts.rights import InactivitySuspected

from .portal import Account, Portal
from .rig import count, published, slug

PERIOD = timedelta(days=730)


async def suspect(portal: Portal, clock: MovedClock, account: Account) -> None:
    now = clock.now()
    event = InactivitySuspected(
        subject_id=account.subject_id, inactive_since=now - PERIOD - timedelta(days=1), limit=now - PERIOD
    )
    await deliver(portal.service, event.topic, [event])


async def test_a_profile_that_nobody_used_for_the_whole_period_ends(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    clock.advance(PERIOD + timedelta(days=1))
    await suspect(portal, clock, kari)
    assert (await published(portal.service))[-1] == "profile.deleted.v1"
    assert await count(portal.service, "logins") == 0
    assert (await portal.log_in(kari.email)).status_code == 401


async def test_a_person_who_logged_in_meanwhile_stays_and_retention_is_told(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    clock.advance(PERIOD)
    assert (await portal.log_in(kari.email)).status_code == 200
    clock.advance(timedelta(days=1))
    await suspect(portal, clock, kari)
    assert (await published(portal.service))[-1] == "still.active.v1"
    assert (await portal.log_in(kari.email)).status_code == 200


async def test_a_failed_login_is_no_activity(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    clock.advance(PERIOD)
    assert slug(await portal.log_in(kari.email, "et galt passord")) == "login-failed"
    clock.advance(timedelta(days=1))
    await suspect(portal, clock, kari)
    assert (await published(portal.service))[-1] == "profile.deleted.v1"


async def test_many_logins_of_a_day_are_one_write(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    before = await _used_at(portal)
    clock.advance(timedelta(hours=5))
    await portal.log_in(kari.email)
    assert await _used_at(portal) == before
    clock.advance(timedelta(hours=20))
    await portal.log_in(kari.email)
    assert await _used_at(portal) != before


async def test_a_deletion_that_runs_goes_its_own_way(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    clock.advance(PERIOD + timedelta(days=1))
    await suspect(portal, clock, kari)
    assert "profile.deleted.v1" not in await published(portal.service)


async def test_a_suspicion_that_comes_again_ends_nothing_twice(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    clock.advance(PERIOD + timedelta(days=1))
    await suspect(portal, clock, kari)
    await suspect(portal, clock, kari)
    assert (await published(portal.service)).count("profile.deleted.v1") == 1


async def _used_at(portal: Portal) -> object:
    async with borrow(portal.service.database.pool) as connection:
        return await connection.fetchval("SELECT used_at FROM logins")
