"""A hold that is lifted is over at once: its key is destroyed, everybody lets go, and no clock began anew (trap 48)."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
from chassis.sql import borrow
from contracts.personal import SubjectId
from contracts.privacy import HoldLifted, HoldPlaced
from prometheus_client import generate_latest

from chassis import known_holds

from .rig import START, Rig
from .test_fence import ITEM
from .test_place_hold import REVIEW, placed, told


async def lift(rig: Rig, hold_id: UUID, by: str = "operator") -> httpx.Response:
    return await rig.post(by, f"/holds/{hold_id}/lift", {})


async def review(rig: Rig, hold_id: UUID, days: int) -> httpx.Response:
    body = {"review_on": (rig.clock.now() + timedelta(days=days)).isoformat()}
    return await rig.post("operator", f"/holds/{hold_id}/review", body)


async def test_lifting_destroys_the_key_and_tells_everybody_once(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject)
    first, again = await lift(rig, hold_id), await lift(rig, hold_id, "privacy-officer")
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json()["lifted_by"], again.json()["lifted_by"]) == ("operator", "operator")
    assert await rig.published(HoldLifted) == [
        HoldLifted(subject_id=SubjectId(subject), hold_id=hold_id, lifted_at=START)
    ]
    assert await rig.key("notifications", subject, f"hold:{hold_id}") is None
    async with borrow(rig.service.database.pool) as connection:
        assert await known_holds.in_force(connection, [SubjectId(subject)]) == {}


async def test_an_erasure_in_between_keeps_its_dates_and_the_lift_begins_none(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject)
    await rig.erase(subject)
    (before,) = await rig.erasures_of(subject)
    rig.clock.advance(timedelta(days=50))
    assert (await lift(rig, hold_id)).status_code == 200
    assert await rig.erasures_of(subject) == [before]
    assert len(await rig.requests()) == 1


async def test_a_request_after_the_lift_names_it_no_more(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    stays, ends = await placed(rig, subject), await placed(rig, subject)
    await lift(rig, ends)
    await rig.delete(subject)
    assert [hold.hold_id for hold in (await rig.requests())[-1].holds] == [stays]


async def test_a_lifted_hold_is_not_reviewed_and_what_is_none_is_not_found(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject)
    await lift(rig, hold_id)
    assert (await review(rig, hold_id, 10)).status_code == 409
    assert (await lift(rig, uuid4())).status_code == 404
    assert (await review(rig, uuid4(), 10)).status_code == 404
    assert (await lift(rig, hold_id, "profile")).status_code == 403


async def test_a_review_moves_the_date_and_everybody_is_told(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject)
    rig.clock.advance(timedelta(days=89))
    answer = await review(rig, hold_id, 30)
    assert answer.status_code == 200
    assert (answer.json()["owner"], answer.json()["overdue"]) == ("operator", False)
    events = [event for event in await rig.published(HoldPlaced) if isinstance(event, HoldPlaced)]
    assert [event.hold.review_on for event in events] == [REVIEW, rig.clock.now() + timedelta(days=30)]
    assert {event.placed_at for event in events} == {START}
    assert len({hold.hold_id for hold in await told(rig)}) == 1
    assert (await review(rig, hold_id, 400)).status_code == 422


async def test_an_overdue_review_alarms_and_the_hold_stays_until_somebody_decides(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    late, _ = await placed(rig, subject), await placed(rig, subject)
    rig.clock.advance(timedelta(days=40))
    await review(rig, late, 10)
    assert await measured(rig) == {"tillit_holds_in_force": 2, "tillit_holds_review_overdue": 0}
    rig.clock.advance(timedelta(days=20))
    assert await measured(rig) == {"tillit_holds_in_force": 2, "tillit_holds_review_overdue": 1}
    (shown,) = (await rig.get("/holds?overdue=true")).json()["items"]
    assert (shown["hold_id"], shown["overdue"]) == (str(late), True)
    await lift(rig, late)
    assert await measured(rig) == {"tillit_holds_in_force": 1, "tillit_holds_review_overdue": 0}
    assert len((await rig.get(f"/holds?subject_id={subject}")).json()["items"]) == 2


async def measured(rig: Rig) -> dict[str, float]:
    """What the next look at the holds measures."""
    (known,) = [kind for kind in rig.service.work_kinds if kind.kind == "hold_reviews"]
    assert known.errand is not None
    await known.errand(ITEM)
    lines = generate_latest(rig.service.metrics.registry).decode().splitlines()
    found = [line.split(" ") for line in lines if line.startswith("tillit_holds_")]
    return {name: float(value) for name, value in found}
