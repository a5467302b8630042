"""Nobody erases people in bulk unnoticed: one erasure too many stops all, until two officers release them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from chassis.sql import borrow
from contracts.profile import DeletionReason
from pydantic import ValidationError
from retention_service.breaker import BEGIN_HELD
from retention_service.settings import RetentionSettings

from .rig import Rig, new_subject

ALWAYS = 10
"""Few people have keys here, so this many may begin within an hour."""


async def delete_all(rig: Rig, people: Sequence[UUID]) -> None:
    for subject in people:
        await rig.delete(subject)


async def tripped(rig: Rig, held: int = 3) -> list[UUID]:
    """As many as may begin, and these that are held back."""
    people = [new_subject() for _ in range(ALWAYS + held)]
    await delete_all(rig, people)
    return [*people[ALWAYS:]]


async def test_as_many_as_may_begin_within_an_hour_and_no_more(rig: Rig) -> None:
    held = await tripped(rig)
    asked = {request.subject_id for request in await rig.requests()}
    assert len(asked) == ALWAYS
    assert not asked & {*held}
    shown = (await rig.get("/breaker")).json()
    assert (shown["tripped"], shown["held_back"], shown["most"], shown["agreed"]) == (True, 3, ALWAYS, None)
    for subject in held:
        assert await rig.stage(subject) == "asking"


async def test_an_hour_later_it_is_still_shut_and_those_who_come_later_wait_too(rig: Rig) -> None:
    await tripped(rig)
    rig.clock.advance(timedelta(hours=5))
    late = new_subject()
    await rig.delete(late)
    assert late not in {request.subject_id for request in await rig.requests()}
    assert (await rig.get("/breaker")).json()["held_back"] == 4


async def test_the_same_number_over_a_longer_time_is_no_bulk(rig: Rig) -> None:
    for _ in range(3):
        await delete_all(rig, [new_subject() for _ in range(ALWAYS)])
        rig.clock.advance(timedelta(hours=1, seconds=1))
    assert (await rig.get("/breaker")).json() == {
        "tripped": False,
        "tripped_at": None,
        "begun": None,
        "most": None,
        "held_back": 0,
        "agreed": None,
    }
    assert len(await rig.requests()) == 3 * ALWAYS


async def test_more_people_may_be_erased_where_there_are_more_people(rig: Rig) -> None:
    async with borrow(rig.service.database.pool) as connection:
        await connection.execute(
            "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at)"
            " SELECT gen_random_uuid(), 'user_information', 'wrapped', 1, $1 FROM generate_series(1, 1101)",
            rig.clock.now(),
        )
    await delete_all(rig, [new_subject() for _ in range(13)])
    assert len(await rig.requests()) == 12, "one in a hundred of 1,101 people"


async def test_it_takes_two_different_officers_and_nobody_else_to_release(rig: Rig) -> None:
    held = await tripped(rig)
    due = {subject: (await rig.erasures_of(subject))[0]["due_at"] for subject in held}
    for caller in ("profile", "stranger"):
        assert (await rig.post(caller, "/breaker/release", {})).status_code == 403
    first = await rig.post("operator", "/breaker/release", {})
    assert first.json() == {"released": False, "held_back": 3}
    again = await rig.post("operator", "/breaker/release", {})
    assert (again.status_code, again.json()["type"]) == (409, "urn:tillit:problem:another-officer-is-needed")
    await rig.work(BEGIN_HELD)
    assert len(await rig.requests()) == ALWAYS
    assert (await rig.get("/breaker")).json()["agreed"] == "operator"
    rig.clock.advance(timedelta(hours=2))
    assert (await rig.post("privacy-officer", "/breaker/release", {})).json() == {"released": True, "held_back": 3}
    await rig.work(BEGIN_HELD)
    begun = (await rig.requests())[ALWAYS:]
    assert {request.subject_id for request in begun} == {*held}
    for subject in held:
        assert (await rig.erasures_of(subject))[0]["due_at"] == due[subject], "the clock ran on"
    assert (await rig.post("operator", "/breaker/release", {})).status_code == 409


async def test_an_officer_who_agreed_a_week_ago_must_do_so_again(rig: Rig) -> None:
    await tripped(rig)
    await rig.post("operator", "/breaker/release", {})
    rig.clock.advance(timedelta(days=7))
    assert (await rig.get("/breaker")).json()["agreed"] is None
    assert (await rig.post("privacy-officer", "/breaker/release", {})).json()["released"] is False
    assert (await rig.post("operator", "/breaker/release", {})).json()["released"] is True


async def test_what_was_released_is_erased_whole_and_counts_no_more(rig: Rig) -> None:
    [subject] = await tripped(rig, held=1)
    await rig.post("operator", "/breaker/release", {})
    await rig.post("privacy-officer", "/breaker/release", {})
    await rig.work(BEGIN_HELD)
    [request] = [request for request in await rig.requests() if request.subject_id == subject]
    await rig.answer(request)
    assert await rig.stage(subject) == "fencing"
    rig.clock.advance(timedelta(seconds=1))
    await delete_all(rig, [new_subject() for _ in range(ALWAYS)])
    assert (await rig.get("/breaker")).json()["tripped"] is False
    await rig.delete(new_subject())
    assert (await rig.get("/breaker")).json()["tripped"] is True


async def test_an_erasure_that_is_widened_while_it_is_held_back_stays_held_back_and_begins_once(rig: Rig) -> None:
    [subject] = await tripped(rig, held=1)
    await rig.delete(subject, DeletionReason.REQUESTED)
    assert subject not in {request.subject_id for request in await rig.requests()}
    await rig.post("operator", "/breaker/release", {})
    await rig.post("privacy-officer", "/breaker/release", {})
    await rig.work(BEGIN_HELD)
    assert len([request for request in await rig.requests() if request.subject_id == subject]) == 1


async def test_a_script_that_asks_for_ten_thousand_erases_no_more_than_an_hours_number(rig: Rig) -> None:
    people = [new_subject() for _ in range(10_000)]
    records = [rig.record(rig.deleted(subject)) for subject in people]
    for start in range(0, len(records), 500):
        part = records[start : start + 500]
        await rig.service.runner.run(part[0].topic, part, [])
    assert len(await rig.requests()) == ALWAYS
    assert (await rig.get("/breaker")).json()["held_back"] == 10_000 - ALWAYS


@pytest.mark.parametrize("officers", ["operator", "", "operator,,x", "Operator,x"])
def test_fewer_than_two_officers_stop_the_start(officers: str) -> None:
    with pytest.raises(ValidationError, match="officers"):
        RetentionSettings.model_validate({"officers": officers})
