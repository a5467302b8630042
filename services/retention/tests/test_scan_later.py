"""Holders look for residue 7 and 30 days after an erasure, or when an officer asks; silent ones are asked again."""

from datetime import timedelta
from uuid import uuid4

from .rig import HOLDERS, Rig
from .scan_steps import WEEK, all_clean, asked_after, scanned, scans_asked


async def test_every_holder_is_asked_to_look_after_seven_days_and_after_thirty(rig: Rig) -> None:
    subject = uuid4()
    erased = await rig.erase(subject)
    for after, scans in ((timedelta(days=6, hours=23), 0), (WEEK, 1), (timedelta(days=29), 1), (timedelta(days=30), 2)):
        rig.clock.advance(erased.requested_at + after - rig.clock.now())
        await rig.work("scan_later")
        assert len(await scans_asked(rig)) == scans
    first, second = await scans_asked(rig)
    assert (first.subject_id, first.erasure_id, first.categories) == (subject, erased.erasure_id, erased.categories)
    assert first.nonce != second.nonce
    (shown,) = await rig.erasures_of(subject)
    assert [part["holder"] for part in rig.scans(shown)] == [*HOLDERS, *HOLDERS]


async def test_a_clean_scan_leaves_the_erasure_done_and_is_shown(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    await all_clean(rig, request)
    (shown,) = await rig.erasures_of(subject)
    assert shown["stage"] == "done"
    assert [(part["columns"], part["found"]) for part in rig.scans(shown)] == [(99, {})] * len(HOLDERS)
    assert request.nonce not in str(shown)


async def test_a_holder_that_does_not_look_is_asked_again_in_the_same_scan(rig: Rig) -> None:
    subject = uuid4()
    request = await asked_after(rig, subject)
    for holder in HOLDERS[1:]:
        await rig.deliver(scanned(rig, request, holder))
    for attempts in (2, 3):
        rig.clock.advance(rig.settings.ask_again_after * 2 ** (attempts - 2))
        await rig.work("scan_again")
        (shown,) = await rig.erasures_of(subject)
        assert [part["attempts"] for part in rig.scans(shown)] == [attempts, 1, 1, 1]
    assert [one.nonce for one in await scans_asked(rig)] == [request.nonce] * 3
    await rig.deliver(scanned(rig, request, HOLDERS[0]))
    rig.clock.advance(timedelta(days=1))
    await rig.work("scan_again")
    assert len(await scans_asked(rig)) == 3


async def test_an_officer_has_holders_look_now(rig: Rig) -> None:
    subject = uuid4()
    await rig.delete(subject)
    (open_one,) = await rig.requests()
    path = f"/erasures/{open_one.erasure_id}/scans"
    assert (await rig.post("operator", path, {})).status_code == 409
    await rig.answer(open_one)
    await rig.without_fence(subject)
    assert (await rig.post("profile", path, {})).status_code == 403
    assert (await rig.post("operator", f"/erasures/{uuid4()}/scans", {})).status_code == 404
    for _ in range(2):
        assert (await rig.post("operator", path, {})).status_code == 202
    await rig.work("scan_later")
    assert len(await scans_asked(rig)) == 1
