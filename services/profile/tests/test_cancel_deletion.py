"""A deletion can be taken back until it is final, and whichever comes first under the person's lock decides."""

import asyncio
from datetime import timedelta

from chassis.clock import MovedClock
from profile_service.delete_profile import FINAL_DELETION

from .portal import Account, Portal
from .rig import count, do_work, published, state_of


async def cancel(portal: Portal, account: Account) -> int:
    return (await portal.http.delete("/me/deletion", headers=account.headers)).status_code


async def test_a_deletion_taken_back_leaves_everything_as_it_was(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    assert await cancel(portal, kari) == 204
    assert (await state_of(portal.service, kari.subject_id)).restrictions == frozenset()
    assert await count(portal.service, "work") + await count(portal.service, "deletions") == 0
    clock.advance(timedelta(days=4))
    await do_work(portal.service, FINAL_DELETION)
    assert (await portal.log_in(kari.email)).status_code == 200
    assert (await published(portal.service))[1:] == [
        "deletion.requested.v1",
        "deletion.announced.v1",
        "deletion.cancelled.v1",
    ]


async def test_nothing_is_cancelled_that_was_not_asked_for(portal: Portal) -> None:
    assert await cancel(portal, await portal.job_seeker()) == 404


async def test_a_deletion_asked_for_anew_has_a_whole_cooling_off(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    await cancel(portal, kari)
    clock.advance(timedelta(minutes=5))
    assert (await portal.ask_deletion(kari, "everything")).json()["final_at"] == "2026-03-05T09:05:00Z"


async def test_cancelling_while_the_final_deletion_runs_ends_in_one_of_the_two(
    portal: Portal, clock: MovedClock
) -> None:
    for attempt in range(6):
        kari = await portal.job_seeker()
        await portal.ask_deletion(kari)
        clock.advance(timedelta(days=3))
        kari = Account(kari.subject_id, kari.email, await fresh_headers(portal, kari))
        before = len(await published(portal.service))
        if attempt % 2:
            answered, _ = await asyncio.gather(cancel(portal, kari), do_work(portal.service, FINAL_DELETION))
        else:
            _, answered = await asyncio.gather(do_work(portal.service, FINAL_DELETION), cancel(portal, kari))
        assert answered in (204, 401)
        decided = "deletion.cancelled.v1" if answered == 204 else "profile.deleted.v1"
        assert (await published(portal.service))[before:] == [decided]
        assert (await portal.log_in(kari.email)).status_code == (200 if answered == 204 else 401)


async def test_cancelling_after_the_final_deletion_is_too_late(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    clock.advance(timedelta(days=3))
    headers = await fresh_headers(portal, kari)
    await do_work(portal.service, FINAL_DELETION)
    assert await cancel(portal, Account(kari.subject_id, kari.email, headers)) == 401


async def fresh_headers(portal: Portal, account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {(await portal.log_in(account.email)).json()['token']}"}
