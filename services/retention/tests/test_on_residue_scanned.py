"""What a holder finds reopens the erasure, until all have erased once more; an answer that is not its own is parked."""

from uuid import uuid4

import pytest
from contracts.privacy import ResidueScanned, ResidueScanRequested

from .rig import HOLDERS, Rig
from .scan_steps import WEEK, all_clean, asked_after, scanned, scans_asked

FOUND = {"letters.subject_id": 2}


async def test_residue_reopens_the_erasure_under_a_new_nonce_and_every_holder_erases_once_more(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    await rig.deliver(scanned(rig, request, "notifications", FOUND))
    (shown,) = await rig.erasures_of(subject)
    assert shown["stage"] == "asking"
    assert [part["found"] for part in rig.scans(shown) if part["found"] is not None] == [FOUND]
    first, again = await rig.requests()
    assert (again.erasure_id, again.categories) == (first.erasure_id, first.categories)
    assert again.nonce != first.nonce
    await rig.answer(first)  # late: what they erased before was not all
    assert await rig.silent(subject) == set(HOLDERS)
    await rig.answer(again)
    await rig.without_fence(subject)
    assert await rig.stage(subject) == "done"
    rig.clock.advance(WEEK)
    await rig.work("scan_later")
    await all_clean(rig, (await scans_asked(rig))[-1])
    assert await rig.stage(subject) == "done"


async def test_two_holders_that_find_something_reopen_it_once(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    await rig.deliver(scanned(rig, request, "notifications", FOUND), scanned(rig, request, "profile", FOUND))
    await rig.deliver(scanned(rig, request, "profile", FOUND))
    assert len(await rig.requests()) == 2
    assert 'tillit_residue_found_total{holder="notifications"} 1.0' in rig.service.metrics.exposition().decode()
    assert 'tillit_residue_found_total{holder="profile"} 1.0' in rig.service.metrics.exposition().decode()


async def test_nobody_is_asked_to_look_while_the_erasure_is_open_again(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    await rig.deliver(scanned(rig, request, "notifications", FOUND))
    rig.clock.advance(WEEK * 4)
    await rig.work("scan_later")
    await rig.work("scan_again")
    assert len(await scans_asked(rig)) == 1


ALTERED: dict[str, dict[str, object]] = {
    "another person": {"subject_id": uuid4()},
    "another erasure": {"erasure_id": uuid4()},
    "another nonce": {"nonce": "0" * 32},
    "a holder that was not asked": {"holder": "stranger"},
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
async def test_an_answer_to_no_scan_of_ours_is_parked_and_changes_nothing(rig: Rig, change: dict[str, object]) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    holder = str(change.get("holder", "profile"))
    asked = ResidueScanRequested.model_validate(
        request.model_dump() | {k: v for k, v in change.items() if k != "holder"}
    )
    await rig.deliver(scanned(rig, asked, holder, FOUND))
    assert await rig.reasons_parked() != []
    assert await rig.stage(subject) == "done"


async def test_an_answer_that_another_signed_or_that_was_altered_is_parked(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    clean = scanned(rig, request, "profile")
    forged: list[ResidueScanned] = [
        scanned(rig, request, "profile", signed_by="forger"),
        scanned(rig, request, "profile", signed_by="notifications"),
        clean.model_copy(update={"columns": 1}),
    ]
    await rig.deliver(*forged)
    assert len(await rig.reasons_parked()) == len(forged)
    (shown,) = await rig.erasures_of(subject)
    assert {part["found"] and 1 for part in rig.scans(shown)} == {None}
