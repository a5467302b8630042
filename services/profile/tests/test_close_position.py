"""A position is closed once: by its own employer, or by its end."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import httpx
from chassis.clock import MovedClock
from profile_service.expire_position import EXPIRY

from .portal import Account, Portal
from .rig import count, do_work, published, slug, statuses


async def close(portal: Portal, account: Account, position: httpx.Response, reason: str = "filled") -> httpx.Response:
    where = f"{position.headers['Location']}/close"
    return await portal.http.post(where, json={"reason": reason}, headers=account.headers)


async def test_a_closed_position_is_no_longer_listed_and_its_closing_is_told_once(portal: Portal) -> None:
    per = await portal.employer()
    position = await portal.publish(per)
    answers = await asyncio.gather(*(close(portal, per, position) for _ in range(3)))
    assert statuses(answers) == [204, 204, 204]
    assert (await portal.http.get("/positions")).json()["items"] == []
    shown = (await portal.http.get(position.headers["Location"])).json()
    assert (shown["closing_reason"], shown["closed_at"]) == ("filled", "2026-03-02T09:00:00Z")
    assert (await published(portal.service)).count("position.closed.v1") == 1


async def test_nobody_closes_another_employers_position(portal: Portal) -> None:
    per = await portal.employer()
    other = await portal.employer(employer={"name": "Dal skole", "orgnr": "923609016"})
    answer = await close(portal, other, await portal.publish(per))
    assert (answer.status_code, slug(answer)) == (403, "forbidden")


async def test_a_position_that_is_not_there_can_not_be_closed(portal: Portal) -> None:
    per = await portal.employer()
    answer = await portal.http.post(f"/positions/{uuid4()}/close", json={}, headers=per.headers)
    assert answer.status_code == 404


async def test_nobody_expires_a_position_by_hand(portal: Portal) -> None:
    per = await portal.employer()
    assert (await close(portal, per, await portal.publish(per), "expired")).status_code == 422


async def test_a_position_closes_by_itself_at_its_end(portal: Portal, clock: MovedClock) -> None:
    per = await portal.employer()
    position = await portal.publish(per, expires_at="2026-03-03T09:00:00Z")
    await do_work(portal.service, EXPIRY)
    assert "position.closed.v1" not in await published(portal.service)
    clock.advance(timedelta(days=1))
    assert (await portal.http.get("/positions")).json()["items"] == []
    await do_work(portal.service, EXPIRY)
    shown = (await portal.http.get(position.headers["Location"])).json()
    assert shown["closing_reason"] == "expired"
    assert (await published(portal.service)).count("position.closed.v1") == 1


async def test_a_position_closed_before_its_end_is_not_closed_again_by_it(portal: Portal, clock: MovedClock) -> None:
    per = await portal.employer()
    await close(portal, per, await portal.publish(per, expires_at="2026-03-03T09:00:00Z"))
    assert await count(portal.service, "work") == 0
    clock.advance(timedelta(days=2))
    await do_work(portal.service, EXPIRY)
    assert (await published(portal.service)).count("position.closed.v1") == 1
