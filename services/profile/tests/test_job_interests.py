"""What a person looks for is theirs alone: saved once whatever the spelling, and removed when they say so."""

import asyncio
from uuid import uuid4

import httpx
from profile_service.save_job_interest import MOST_INTERESTS

from .portal import Account, Portal
from .rig import count, everything_stored, published, slug, stands_in, statuses


async def save(portal: Portal, account: Account, occupation: str, place: str | None = None) -> httpx.Response:
    form = {"occupation": occupation} if place is None else {"occupation": occupation, "place": place}
    return await portal.http.post("/me/job-interests", json=form, headers=account.headers)


async def test_an_interest_is_shown_as_it_was_written_and_stands_nowhere_in_the_clear(portal: Portal) -> None:
    kari = await portal.job_seeker()
    saved = await save(portal, kari, "Sykepleier  Natt", "Bodø")
    assert saved.status_code == 201
    shown = (await portal.http.get(saved.headers["Location"], headers=kari.headers)).json()
    assert (shown["occupation"], shown["place"]) == ("Sykepleier Natt", "Bodø")
    stored = await everything_stored(portal.service)
    assert [word for word in ("sykepleier", "natt", "bodø") if stands_in(stored, word)] == []


async def test_one_interest_in_two_spellings_is_saved_and_told_once(portal: Portal) -> None:
    kari = await portal.job_seeker()
    first, again = await save(portal, kari, "Sykepleier"), await save(portal, kari, " SYKEPLEIER ")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    elsewhere, there = await save(portal, kari, "sykepleier", "Bodø"), await save(portal, kari, "Sykepleier", " bodø")
    assert (elsewhere.status_code, there.status_code) == (201, 200)
    assert elsewhere.json() != first.json()
    assert (await published(portal.service)).count("job.interest.saved.v1") == 2


async def test_one_interest_saved_many_times_at_once_is_saved_once(portal: Portal) -> None:
    kari = await portal.job_seeker()
    answers = await asyncio.gather(*(save(portal, kari, "Kokk", "Oslo") for _ in range(4)))
    assert statuses(answers) == [200, 200, 200, 201]
    assert await count(portal.service, "job_interests") == 1


async def test_a_removed_interest_is_gone_and_its_removal_is_told(portal: Portal) -> None:
    kari = await portal.job_seeker()
    where = (await save(portal, kari, "Kokk")).headers["Location"]
    assert (await portal.http.delete(where, headers=kari.headers)).status_code == 204
    assert (await portal.http.delete(where, headers=kari.headers)).status_code == 404
    assert (await portal.http.get("/me/job-interests", headers=kari.headers)).json() == {"items": []}
    assert (await published(portal.service))[1:] == ["job.interest.saved.v1", "job.interest.removed.v1"]


async def test_nobody_sees_or_removes_another_persons_interest(portal: Portal) -> None:
    kari, per = await portal.job_seeker(), await portal.job_seeker()
    where = (await save(portal, kari, "Kokk")).headers["Location"]
    assert (await portal.http.get(where, headers=per.headers)).status_code == 404
    assert (await portal.http.delete(where, headers=per.headers)).status_code == 404
    assert (await portal.http.get("/me/job-interests", headers=per.headers)).json() == {"items": []}
    assert await count(portal.service, "job_interests") == 1


async def test_an_employer_user_has_no_job_interests(portal: Portal) -> None:
    assert (await save(portal, await portal.employer(), "Kokk")).status_code == 403


async def test_more_interests_than_anybody_needs_are_refused(portal: Portal) -> None:
    kari = await portal.job_seeker()
    for number in range(MOST_INTERESTS):
        assert (await save(portal, kari, f"Yrke {number}")).status_code == 201
    answer = await save(portal, kari, "Ett til")
    assert (answer.status_code, slug(answer)) == (409, "too-many-job-interests")


async def test_the_longest_interest_in_letters_that_fold_to_many_is_kept(portal: Portal) -> None:
    kari = await portal.job_seeker()
    assert (await save(portal, kari, "ΐ" * 100, "𐐀" * 100)).status_code == 201


async def test_an_interest_that_is_not_there_is_not_found(portal: Portal) -> None:
    kari = await portal.job_seeker()
    assert (await portal.http.get(f"/me/job-interests/{uuid4()}", headers=kari.headers)).status_code == 404
