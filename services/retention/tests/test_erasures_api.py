"""What the operator sees of erasures, and who else does not."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from .rig import HOLDERS, Rig


async def test_an_erasure_is_shown_with_each_stage_and_what_each_holder_erased(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (request,) = await rig.requests()
    rig.clock.advance(timedelta(seconds=3))
    await rig.deliver(rig.reply(request, "profile", rows={"people": 1, "documents": 4}))
    shown = (await rig.get(f"/erasures/{request.erasure_id}")).json()
    assert shown["subject_id"] == str(subject)
    assert shown["stage"] == "asking"
    assert shown["categories"] == ["user_information"]
    assert [part["holder"] for part in shown["holders"]] == list(HOLDERS)
    profile = next(part for part in shown["holders"] if part["holder"] == "profile")
    assert profile["rows"] == {"people": 1, "documents": 4}
    assert profile["asked_at"] == "2026-01-31T12:00:00Z"
    assert profile["replied_at"] == "2026-01-31T12:00:03Z"
    assert shown == (await rig.get(f"/erasures?subject_id={subject}")).json()["items"][0]
    assert request.nonce not in str(shown)


async def test_pages_hold_every_erasure_once_newest_first(rig: Rig) -> None:
    subjects = [str(uuid4()) for _ in range(5)]
    for n, subject in enumerate(subjects):
        rig.clock.advance(timedelta(seconds=n // 2))  # some at the same moment
        await rig.delete(UUID(subject))
    seen: list[str] = []
    path = "/erasures?limit=2"
    while True:
        page = (await rig.get(path)).json()
        seen.extend(item["subject_id"] for item in page["items"])
        if page["next"] is None:
            break
        path = f"/erasures?limit=2&cursor={page['next']}"
    assert sorted(seen) == sorted(subjects)
    assert seen[0] == subjects[-1]


async def test_a_cursor_of_another_list_is_refused(rig: Rig) -> None:
    for _ in range(2):
        await rig.delete(uuid4())
    cursor = (await rig.get("/erasures?limit=1")).json()["next"]
    answer = await rig.get(f"/erasures?limit=1&subject_id={uuid4()}&cursor={cursor}")
    assert answer.status_code == 400


async def test_an_unknown_or_malformed_erasure_is_a_problem(rig: Rig) -> None:
    assert (await rig.get(f"/erasures/{uuid4()}")).status_code == 404
    assert (await rig.get("/erasures/not-an-id")).status_code == 422
    assert (await rig.get("/erasures?subject_id=not-an-id")).status_code == 422
    assert (await rig.get(f"/erasures?subject_id={uuid4()}")).json() == {"items": [], "next": None}


async def test_open_erasures_are_counted_by_stage_with_the_age_of_the_oldest(rig: Rig) -> None:
    assert (await rig.get("/erasures/open")).json() == []
    await rig.delete(uuid4())
    rig.clock.advance(timedelta(hours=2))
    await rig.delete(uuid4())
    assert (await rig.get("/erasures/open")).json() == [
        {"stage": "asking", "count": 2, "oldest": "2026-01-31T12:00:00Z"}
    ]


@pytest.mark.parametrize("path", ["/erasures", "/erasures/open", f"/erasures/{UUID(int=1)}"])
async def test_services_do_not_see_erasures(rig: Rig, path: str) -> None:
    assert (await rig.get(path, "profile")).status_code == 403
