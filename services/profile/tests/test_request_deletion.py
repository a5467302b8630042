"""A person asks to be deleted: it takes the password, restricts at once, and can be looked at."""

import asyncio
from datetime import timedelta

import pytest
from chassis.service import Service
from chassis.subjects import DELETION_PENDING
from profile_service.settings import ProfileSettings
from pydantic import ValidationError

from .portal import PASSWORD, Portal
from .rig import count, published, slug, state_of, statuses


@pytest.mark.parametrize("scope", ["profile", "everything"])
async def test_a_deletion_restricts_at_once_and_tells_until_when_it_can_be_taken_back(
    portal: Portal, scope: str
) -> None:
    kari = await portal.job_seeker()
    answer = await portal.ask_deletion(kari, scope)
    assert answer.status_code == 202
    told = {"scope": scope, "requested_at": "2026-03-02T09:00:00Z", "final_at": "2026-03-05T09:00:00Z"}
    assert answer.json() == told
    assert (await portal.http.get(answer.headers["Location"], headers=kari.headers)).json() == told
    assert (await state_of(portal.service, kari.subject_id)).restrictions == {DELETION_PENDING}
    assert (await published(portal.service))[1:] == ["deletion.requested.v1", "deletion.announced.v1"]


def test_a_cooling_off_that_would_be_retention_is_refused(service: Service) -> None:
    """An undo window of more than a month keeps what was to be deleted (trap 11)."""
    told = service.settings.model_dump()
    assert ProfileSettings.model_validate({**told, "cooling_off_hours": 24 * 30}).cooling_off == timedelta(days=30)
    with pytest.raises(ValidationError, match="less than or equal to 720"):
        ProfileSettings.model_validate({**told, "cooling_off_hours": 24 * 30 + 1})


async def test_an_employer_user_can_ask_too(portal: Portal) -> None:
    assert (await portal.ask_deletion(await portal.employer())).status_code == 202


async def test_a_token_without_the_password_deletes_nobody(portal: Portal) -> None:
    kari = await portal.job_seeker()
    wrong = await portal.ask_deletion(kari, password="et galt passord")
    assert (wrong.status_code, slug(wrong)) == (403, "wrong-password")
    without = await portal.http.post("/me/deletion", json={"scope": "profile"}, headers=kari.headers)
    assert without.status_code == 422
    nobody = await portal.http.post("/me/deletion", json={"scope": "profile", "password": PASSWORD})
    assert nobody.status_code == 401
    assert await count(portal.service, "deletions") == 0


async def test_guessing_the_password_with_a_stolen_token_is_limited(portal: Portal) -> None:
    kari = await portal.job_seeker()
    for _ in range(10):
        await portal.ask_deletion(kari, password="et galt passord")
    assert (await portal.ask_deletion(kari)).status_code == 429


async def test_asking_again_does_not_begin_anew(portal: Portal) -> None:
    kari = await portal.job_seeker()
    answers = await asyncio.gather(*(portal.ask_deletion(kari) for _ in range(3)))
    assert statuses(answers) == [202, 202, 202]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert await count(portal.service, "work") == 1
    assert (await published(portal.service)).count("deletion.requested.v1") == 1


async def test_another_scope_than_the_one_that_runs_is_refused(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari, "profile")
    answer = await portal.ask_deletion(kari, "everything")
    assert (answer.status_code, slug(answer)) == (409, "deletion-pending")


async def test_without_a_deletion_there_is_none_to_see(portal: Portal) -> None:
    kari = await portal.job_seeker()
    assert (await portal.http.get("/me/deletion", headers=kari.headers)).status_code == 404


async def test_a_person_whose_deletion_is_pending_can_still_log_in_to_take_it_back(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    assert (await portal.log_in(kari.email)).status_code == 200
    assert (await portal.http.get("/me", headers=kari.headers)).status_code == 200
