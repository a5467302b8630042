"""A hold is placed by an officer, with a reason, a ground and a review; every erasure from then on names it (R5)."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from chassis.holder_replies import sign_reply
from chassis.sql import borrow
from contracts.personal import Category, SubjectId
from contracts.privacy import HeldTable, Hold, HolderRegistered, HoldPlaced, LegalGround
from contracts.profile import DeletionReason

from chassis import known_holds

from .rig import HOLDERS, START, Rig

REASON = "Kanarifugl has claimed damages"
REVIEW = START + timedelta(days=90)


async def place(rig: Rig, subject: UUID, *, by: str = "privacy-officer", **about: Any) -> httpx.Response:
    body = {
        "subject_id": str(subject),
        "ground": LegalGround.LEGAL_CLAIM,
        "reason": REASON,
        "review_on": REVIEW.isoformat(),
        **(about or {"whole_person": True}),
    }
    return await rig.post(by, "/holds", body)


async def placed(rig: Rig, subject: UUID, **about: Any) -> UUID:
    answer = await place(rig, subject, **about)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["hold_id"])


async def declare(rig: Rig) -> None:
    """What a holder keeps, as far as these tests name it."""
    table = HeldTable(table="mails", category=Category.COMMUNICATION, rule="R4")
    event = HolderRegistered(holder="notifications", groups=(), tables=(table,), registered_at=rig.clock.now())
    await rig.deliver(sign_reply(event, rig.identities.keys["notifications"]))


async def told(rig: Rig) -> list[Hold]:
    return [event.hold for event in await rig.published(HoldPlaced) if isinstance(event, HoldPlaced)]


async def test_a_hold_has_a_key_of_its_own_and_every_holder_is_told(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject, category="communication")
    hold = Hold(hold_id=hold_id, category=Category.COMMUNICATION, ground=LegalGround.LEGAL_CLAIM, review_on=REVIEW)
    assert await told(rig) == [hold]
    assert await rig.key("notifications", subject, f"hold:{hold_id}") is not None
    assert (await rig.fetch("audit-log", (subject, f"hold:{hold_id}"))).status_code == 403
    async with borrow(rig.service.database.pool) as connection:
        assert await known_holds.in_force(connection, [SubjectId(subject)]) == {subject: [hold]}


async def test_the_reason_is_sealed_and_shown_to_officers_only(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject)
    shown = (await rig.get(f"/holds/{hold_id}", "privacy-officer")).json()
    assert (shown["reason"], shown["owner"], shown["overdue"]) == (REASON, "privacy-officer", False)
    async with borrow(rig.service.database.pool) as connection:
        rows = await connection.fetchval("SELECT string_agg(h::text, '') FROM holds AS h")
        sent = await connection.fetchval("SELECT string_agg(encode(body, 'escape'), '') FROM outbox")
    assert "Kanarifugl" not in rows + sent
    assert REASON.encode().hex() not in rows
    for caller in ("profile", "stranger"):
        assert (await rig.get(f"/holds/{hold_id}", caller)).status_code == 403
        assert (await rig.get("/holds", caller)).status_code == 403
        assert (await place(rig, subject, by=caller)).status_code == 403


async def test_an_erasure_that_is_asked_for_later_names_the_holds_in_force(rig: Rig) -> None:
    subject, other = uuid4(), uuid4()
    for person in (subject, other):
        await rig.make(person)
    hold_id = await placed(rig, subject)
    await rig.delete(subject)
    await rig.delete(other)
    first, second = await rig.requests()
    assert [hold.hold_id for hold in first.holds] == [hold_id]
    assert second.holds == ()


async def test_the_key_of_a_hold_outlives_the_erasure_of_its_person(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    hold_id = await placed(rig, subject)
    before = await rig.key("notifications", subject, f"hold:{hold_id}")
    await rig.erase(subject, DeletionReason.REQUESTED)
    assert await rig.stage(subject) == "done"
    assert await rig.key("notifications", subject, "communication") is None
    assert await rig.key("notifications", subject, f"hold:{hold_id}") == before


async def test_a_hold_in_mid_erasure_counts_for_who_has_not_erased_and_names_who_has(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[-1], ["profile", "audit-log"])
    answer = await place(rig, subject, category="user_information")
    assert answer.status_code == 201
    assert answer.json()["too_late"] == ["audit-log", "profile"]
    rig.clock.advance(timedelta(minutes=2))
    await rig.work("ask_again")
    assert [hold.hold_id for hold in (await rig.requests())[-1].holds] == [UUID(answer.json()["hold_id"])]


async def test_a_hold_on_what_everybody_has_erased_is_refused_with_the_reason(rig: Rig) -> None:
    subject = uuid4()
    await rig.make(subject)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[-1])
    refused = await place(rig, subject, category="user_information")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tillit:problem:already-erased")
    assert await told(rig) == []
    rest = await place(rig, subject)
    assert rest.status_code == 201
    assert rest.json()["too_late"] == sorted(HOLDERS)


async def test_single_records_of_a_declared_table_can_be_held(rig: Rig) -> None:
    subject, record = uuid4(), uuid4()
    await rig.make(subject)
    await declare(rig)
    await placed(rig, subject, holder="notifications", table="mails", records=[str(record)])
    (hold,) = await told(rig)
    assert (hold.category, hold.holder, hold.table, hold.records) == (None, "notifications", "mails", (record,))


NOTHING_EXACT: dict[str, dict[str, Any]] = {
    "nothing at all": {"whole_person": False},
    "the whole person and a category": {"whole_person": True, "category": "communication"},
    "a table of nobody": {"table": "mails"},
    "records of no table": {"holder": "notifications", "records": [str(UUID(int=1))]},
    "a holder that is none": {"holder": "archive"},
    "a table that is not there": {"holder": "notifications", "table": "mail"},
    "another category than the table has": {
        "holder": "notifications",
        "table": "mails",
        "category": "user_information",
    },
}


@pytest.mark.parametrize("about", NOTHING_EXACT.values(), ids=NOTHING_EXACT)
async def test_a_hold_that_would_hold_nothing_or_more_than_it_says_is_refused(rig: Rig, about: dict[str, Any]) -> None:
    subject = uuid4()
    await rig.make(subject)
    await declare(rig)
    assert (await place(rig, subject, **about)).status_code == 422
    assert await told(rig) == []


@pytest.mark.parametrize("days", [-1, 0, 367])
async def test_a_hold_is_looked_at_again_within_a_year(rig: Rig, days: int) -> None:
    subject = uuid4()
    await rig.make(subject)
    answer = await place(rig, subject, whole_person=True, review_on=(START + timedelta(days=days)).isoformat())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/review_on"


async def test_nobody_is_held_whom_nobody_knows(rig: Rig) -> None:
    assert (await place(rig, uuid4())).status_code == 404
