"""When the cooling-off is over the profile ends for good, and nothing opens it any more."""

import asyncio
from datetime import timedelta

import pytest
from chassis.clock import MovedClock
from chassis.testing.services import surroundings
from contracts.personal import Category
from contracts.profile import DeletionReason
from profile_service.delete_profile import FINAL_DELETION
from profile_service.request_deletion import request_deletion

from .portal import PASSWORD, Account, Portal
from .rig import count, do_work, erase, published, slug


async def ended(portal: Portal, clock: MovedClock, account: Account) -> Account:
    """The account after its final deletion, with a token that is still in its time."""
    await portal.ask_deletion(account)
    clock.advance(timedelta(hours=72))
    token = (await portal.log_in(account.email)).json()["token"]
    await do_work(portal.service, FINAL_DELETION)
    return Account(account.subject_id, account.email, {"Authorization": f"Bearer {token}"})


async def test_nothing_is_final_before_the_cooling_off_is_over(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    clock.advance(timedelta(hours=72) - timedelta(seconds=1))
    await do_work(portal.service, FINAL_DELETION)
    assert "profile.deleted.v1" not in await published(portal.service)
    clock.advance(timedelta(seconds=1))
    await do_work(portal.service, FINAL_DELETION)
    said = ["deletion.requested.v1", "deletion.announced.v1", "profile.deleted.v1"]
    assert (await published(portal.service))[1:] == said


async def test_a_profile_that_ended_is_refused_at_login_like_one_that_never_was(
    portal: Portal, clock: MovedClock
) -> None:
    kari = await ended(portal, clock, await portal.job_seeker())
    gone, never = await portal.log_in(kari.email), await portal.log_in("ingen@post.no")
    assert gone.status_code == never.status_code == 401
    assert slug(gone) == slug(never)
    assert await count(portal.service, "logins") == 0


async def test_a_token_in_its_time_opens_nothing_of_a_profile_that_ended(portal: Portal, clock: MovedClock) -> None:
    kari = await ended(portal, clock, await portal.job_seeker())
    for method, path, form in (
        ("GET", "/me", None),
        ("PUT", "/me/profile", {"name": "Kari", "email": kari.email}),
        ("POST", "/me/job-interests", {"occupation": "Kokk"}),
        ("GET", "/me/job-interests", None),
        ("GET", "/me/deletion", None),
        ("DELETE", "/me/deletion", None),
    ):
        answer = await portal.http.request(method, path, json=form, headers=kari.headers)
        assert (path, answer.status_code) == (path, 401)
    asked = await portal.http.post(
        "/me/deletion", json={"scope": "profile", "password": PASSWORD}, headers=kari.headers
    )
    assert asked.status_code in (401, 403)
    assert (await published(portal.service))[-1] == "profile.deleted.v1"


async def test_an_employer_user_who_left_publishes_nothing_and_their_employers_positions_stay(
    portal: Portal, clock: MovedClock
) -> None:
    per = await portal.employer()
    position = await portal.publish(per)
    per = await ended(portal, clock, per)
    assert (await portal.publish(per)).status_code == 401
    where = f"{position.headers['Location']}/close"
    assert (await portal.http.post(where, json={}, headers=per.headers)).status_code == 401
    assert (await portal.http.get(position.headers["Location"])).json()["closed_at"] is None


async def test_a_final_deletion_that_runs_again_changes_nothing(portal: Portal, clock: MovedClock) -> None:
    kari = await ended(portal, clock, await portal.job_seeker())
    async with portal.service.database.transaction(keys=()) as tx:
        tx.enqueue(FINAL_DELETION, "again", subject=kari.subject_id)
    await do_work(portal.service, FINAL_DELETION)
    assert (await published(portal.service)).count("profile.deleted.v1") == 1
    assert await count(portal.service, "work") == 0


async def test_without_a_cooling_off_a_deletion_is_final_at_once(portal: Portal) -> None:
    kari = await portal.job_seeker()
    async with portal.service.database.transaction([kari.subject_id]) as tx:
        await request_deletion(tx, kari.subject_id, DeletionReason.TERMINATED, timedelta(0))
    await do_work(portal.service, FINAL_DELETION)
    assert (await published(portal.service))[1:] == ["deletion.requested.v1", "profile.deleted.v1"]


async def test_a_deletion_that_starts_at_the_same_moment_as_a_new_interest_keeps_the_order_of_their_commits(
    portal: Portal, clock: MovedClock
) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    clock.advance(timedelta(hours=72))
    headers = {"Authorization": f"Bearer {(await portal.log_in(kari.email)).json()['token']}"}
    saving = portal.http.post("/me/job-interests", json={"occupation": "Kokk"}, headers=headers)
    _, saved = await asyncio.gather(do_work(portal.service, FINAL_DELETION), saving)
    events = (await published(portal.service))[3:]
    before = ["job.interest.saved.v1"] if saved.status_code == 201 else []
    assert events == [*before, "profile.deleted.v1"]


async def test_a_person_whose_key_a_restored_keyring_has_lost_is_erased_all_the_same(
    portal: Portal, clock: MovedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    surroundings(portal.service).keyring.lose(kari.subject_id, Category)
    clock.advance(timedelta(hours=72))
    await do_work(portal.service, FINAL_DELETION)
    assert (await published(portal.service))[-1] == "profile.deleted.v1"
    assert await count(portal.service, "logins") == 0
    assert await count(portal.service, "work") == 0
    assert "final_deletion.key_lost" in capsys.readouterr().out
    await erase(portal.service, kari.subject_id)
    assert await count(portal.service, "profiles") == 0


async def test_a_deletion_of_somebody_whose_keys_are_destroyed_already_ends_with_an_alarm(
    portal: Portal, clock: MovedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    surroundings(portal.service).keyring.destroy(kari.subject_id, set(Category))
    clock.advance(timedelta(hours=72))
    await do_work(portal.service, FINAL_DELETION)
    assert "profile.deleted.v1" not in await published(portal.service)
    assert await count(portal.service, "logins") == 0
    assert await count(portal.service, "work") == 0
    assert "final_deletion.key_destroyed" in capsys.readouterr().out
