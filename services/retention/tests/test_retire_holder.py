"""A holder that is gone for good is retired by two officers: what waited goes on, and nothing passes for its answer."""

from datetime import timedelta
from uuid import UUID

import pytest
from chassis.sql import borrow
from contracts.privacy import ErasureRequested
from retention_service import holder_retirements, holders
from retention_service.ask_holders import ASK_AGAIN
from retention_service.attest_erasure import ATTEST_ERASURE
from retention_service.scan_later import SCAN_AGAIN, SCAN_LATER

from .receipt_steps import begin, body_of, end, newest
from .rig import HOLDERS, Rig, new_subject
from .scan_steps import WEEK, all_clean, scans_asked

GONE = "stranger"
SECOND = timedelta(seconds=1)
REASON = {"reason": "its database was dropped with the product"}


async def retire(rig: Rig, holder: str = GONE) -> None:
    for officer, done in (("operator", False), ("privacy-officer", True)):
        answer = await rig.post(officer, f"/holders/{holder}/retirement", REASON)
        assert (answer.status_code, answer.json()) == (200, {"retired": done}), answer.text


async def waiting_for(rig: Rig, holder: str) -> int:
    found = {one["holder"]: one["waiting"] for one in (await rig.get("/holders")).json()}
    return found[holder]


async def begun(rig: Rig) -> tuple[UUID, str, ErasureRequested]:
    """A person whose erasure everybody has answered but the one that is gone."""
    subject = new_subject()
    await rig.register(GONE)
    number = await begin(rig, subject)
    request = (await rig.requests())[-1]
    await rig.answer(request)
    assert await rig.silent(subject) == {GONE}
    return subject, number, request


async def test_what_waits_for_a_retired_holder_goes_on_and_its_receipt_names_it_with_the_day(rig: Rig) -> None:
    subject, number, _ = await begun(rig)
    assert await waiting_for(rig, GONE) == 1
    await retire(rig)
    assert await waiting_for(rig, GONE) == 0
    await rig.work(ASK_AGAIN)
    assert await rig.stage(subject) == "fencing"
    assert await rig.silent(subject) == {GONE}, "it did not answer"
    await rig.without_fence(subject)
    body = await body_of(rig, number)
    assert [part.holder for part in body.holders] == sorted(HOLDERS)
    assert [(part.holder, part.retired_on) for part in body.retired] == [(GONE, "2026-01-31")]
    await rig.work(ATTEST_ERASURE)
    assert '"retired":[{"holder":"stranger"' in (await newest(rig, number)).body


async def test_both_officers_and_what_each_said_is_kept(rig: Rig) -> None:
    await rig.register(GONE)
    for officer, reason in (("operator", "its database was dropped"), ("privacy-officer", "I have seen that it was")):
        await rig.post(officer, f"/holders/{GONE}/retirement", {"reason": reason})
    async with borrow(rig.service.database.pool) as connection:
        kept = (await holder_retirements.all_of_them(connection))[GONE]
    assert (kept.first_officer, kept.reason) == ("operator", "its database was dropped")
    assert (kept.second_officer, kept.second_reason) == ("privacy-officer", "I have seen that it was")
    assert kept.retired_at == rig.clock.now()


async def test_one_officer_alone_retires_nobody_however_often_they_ask(rig: Rig) -> None:
    subject, _, _ = await begun(rig)
    assert (await rig.post("operator", f"/holders/{GONE}/retirement", REASON)).json() == {"retired": False}
    again = await rig.post("operator", f"/holders/{GONE}/retirement", REASON)
    assert (again.status_code, again.json()["type"]) == (409, "urn:tillit:problem:another-officer-is-needed")
    for caller in ("profile", "stranger"):
        assert (await rig.post(caller, f"/holders/{GONE}/retirement", REASON)).status_code == 403
    await rig.work(ASK_AGAIN)
    assert await rig.stage(subject) == "asking"
    [shown] = [one for one in (await rig.get("/holders")).json() if one["holder"] == GONE]
    assert (shown["agreed"], shown["retired_at"], shown["reason"]) == ("operator", None, REASON["reason"])


async def test_the_first_officers_word_holds_for_a_week_and_then_another_must_speak_first(rig: Rig) -> None:
    await rig.register(GONE)
    await rig.post("operator", f"/holders/{GONE}/retirement", REASON)
    rig.clock.advance(timedelta(days=7))
    [shown] = [one for one in (await rig.get("/holders")).json() if one["holder"] == GONE]
    assert shown["agreed"] is None
    again = await rig.post("privacy-officer", f"/holders/{GONE}/retirement", {"reason": "I have looked"})
    assert again.json() == {"retired": False}
    assert (await rig.post("operator", f"/holders/{GONE}/retirement", REASON)).json() == {"retired": True}
    async with borrow(rig.service.database.pool) as connection:
        kept = (await holder_retirements.all_of_them(connection))[GONE]
    assert (kept.first_officer, kept.reason, kept.second_officer) == ("privacy-officer", "I have looked", "operator")


@pytest.mark.parametrize("holder", HOLDERS)
async def test_a_required_holder_is_never_retired(rig: Rig, holder: str) -> None:
    await rig.register(holder)
    answer = await rig.post("operator", f"/holders/{holder}/retirement", REASON)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tillit:problem:holder-required")


async def test_nobody_retires_who_never_registered_or_is_retired_already(rig: Rig) -> None:
    assert (await rig.post("operator", "/holders/unheard-of/retirement", REASON)).status_code == 404
    await rig.register(GONE)
    assert (await rig.post("operator", f"/holders/{GONE}/retirement", {"reason": ""})).status_code == 422
    await retire(rig)
    answer = await rig.post("operator", f"/holders/{GONE}/retirement", REASON)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tillit:problem:holder-retired")


async def test_a_later_erasure_does_not_ask_a_retired_holder_and_its_receipt_says_that_it_did_not(rig: Rig) -> None:
    await rig.register(GONE)
    await retire(rig)
    subject = new_subject()
    number = await begin(rig, subject)
    assert await rig.silent(subject) == set(HOLDERS)
    await end(rig, subject)
    assert [part.holder for part in (await body_of(rig, number)).retired] == [GONE]


async def test_an_erasure_that_a_holder_answered_before_it_was_retired_keeps_its_statement(rig: Rig) -> None:
    subject, number, request = await begun(rig)
    await rig.answer(request, [GONE])
    await retire(rig)
    await rig.without_fence(subject)
    body = await body_of(rig, number)
    assert [part.holder for part in body.holders] == sorted([*HOLDERS, GONE])
    assert body.retired == ()


async def test_an_erasure_that_was_done_before_is_not_said_to_lack_who_was_retired_later(rig: Rig) -> None:
    subject = new_subject()
    number = await begin(rig, subject)
    await end(rig, subject)
    await rig.register(GONE)
    rig.clock.advance(SECOND)
    await retire(rig)
    assert (await body_of(rig, number)).retired == ()


async def test_a_scan_that_waits_for_a_retired_holder_stands_in_the_receipt_with_who_looked(rig: Rig) -> None:
    subject, number, request = await begun(rig)
    await rig.answer(request, [GONE])
    await rig.without_fence(subject)
    rig.clock.advance(WEEK)
    await rig.work(SCAN_LATER)
    await all_clean(rig, (await scans_asked(rig))[-1])
    assert (await body_of(rig, number)).scans == ()
    await retire(rig)
    await rig.work(SCAN_AGAIN)
    await rig.work(ATTEST_ERASURE)
    [seen] = (await body_of(rig, number)).scans
    assert (seen.holders, seen.found) == (len(HOLDERS), 0)


async def test_a_retired_holder_does_not_come_back_under_its_name_and_its_old_words_change_nothing(rig: Rig) -> None:
    old = rig.registration(GONE)
    await rig.deliver(old)
    rig.clock.advance(SECOND)
    await retire(rig)
    await rig.deliver(old)
    assert await rig.reasons_parked() == []
    rig.clock.advance(SECOND)
    await rig.register(GONE)
    [reason] = await rig.reasons_parked()
    assert "begin again under another name" in reason
    async with borrow(rig.service.database.pool) as connection:
        assert await holders.names(connection) == set()
