"""Every service can ask which keys were destroyed: of the categories it may read, from the place where it was."""

from uuid import UUID, uuid4

import httpx
import pytest

from .keyring_steps import destroy
from .rig import HOLDERS, Rig, new_subject

ALL = ("user_information", "communication", "website_usage", "rights_case", "application")
MAY_KNOW = {
    "profile": {"user_information", "application"},
    "notifications": {"user_information", "communication", "rights_case"},
    "audit-log": {"website_usage"},
    "retention": {"rights_case"},
}


async def ask(rig: Rig, caller: str, after: str | None = None) -> httpx.Response:
    return await rig.get("/keys/destroyed" if after is None else f"/keys/destroyed?after={after}", caller)


async def test_who_asks_first_is_told_where_to_begin_and_to_forget_what_it_holds(rig: Rig) -> None:
    await destroy(rig, new_subject(), ["user_information"])
    answer = await ask(rig, "profile")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json()["keys"], answer.json()["reset"], answer.json()["more"]) == ([], True, False)


@pytest.mark.parametrize("caller", HOLDERS)
async def test_a_service_is_told_of_the_categories_it_may_read_and_no_other(rig: Rig, caller: str) -> None:
    after, subject = (await ask(rig, caller)).json()["after"], new_subject()
    await destroy(rig, subject, ALL)
    answer = (await ask(rig, caller, after)).json()
    assert {key["category"] for key in answer["keys"]} == MAY_KNOW[caller]
    assert {key["subject_id"] for key in answer["keys"]} == {str(subject)}
    assert not answer["reset"]
    assert (await ask(rig, caller, answer["after"])).json()["keys"] == []


async def test_more_than_a_page_is_told_in_pages(rig: Rig) -> None:
    after = (await ask(rig, "profile")).json()["after"]
    people = [new_subject() for _ in range(300)]
    for subject in people:
        await destroy(rig, subject, ALL)
    told: list[str] = []
    pages = 0
    while True:
        answer = (await ask(rig, "profile", after)).json()
        told.extend(key["subject_id"] for key in answer["keys"])
        after, pages = answer["after"], pages + 1
        if not answer["more"]:
            break
    assert pages == 2
    assert {str(subject) for subject in people} <= set(told)


async def test_a_place_of_another_ledger_or_beyond_its_end_means_to_forget_everything(rig: Rig) -> None:
    after = (await ask(rig, "profile")).json()["after"]
    ledger, _, place = after.partition(".")
    for unknown in (f"{uuid4()}.{place}", f"{ledger}.{int(place) + 10_000}"):
        answer = (await ask(rig, "profile", unknown)).json()
        assert (answer["reset"], answer["after"]) == (True, after)


@pytest.mark.parametrize("after", ["x", "1", "a.b", f"{UUID(int=1)}.-1", "9" * 70])
async def test_a_place_that_none_of_our_answers_gave_is_refused(rig: Rig, after: str) -> None:
    assert (await ask(rig, "profile", after)).status_code == 422


async def test_a_place_in_the_middle_of_a_line_is_refused(rig: Rig) -> None:
    after = (await ask(rig, "profile")).json()["after"]
    await destroy(rig, new_subject(), ALL)
    ledger, _, place = after.partition(".")
    assert (await ask(rig, "profile", f"{ledger}.{int(place) + 3}")).status_code == 422


async def test_who_may_have_no_key_is_told_nothing(rig: Rig) -> None:
    assert (await ask(rig, "stranger")).status_code == 403
    assert (await ask(rig, "operator")).status_code == 403
    async with httpx.AsyncClient(base_url=rig.url) as client:
        assert (await client.get("/keys/destroyed")).status_code == 401
