"""A copy of a person's data is handed out once, dies with its key, and holds an erasure up for 7 days at most (trap 49)."""

from base64 import b64encode
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
from chassis.sql import borrow
from contracts.profile import DeletionReason
from contracts.rights import ExportClosed

from chassis import tls

from .rig import HOLDERS, Rig

ARCHIVE = b"everything that we hold about Kanarifugl"


async def put_aside(rig: Rig, subject: UUID, *, by: str = "privacy-officer") -> httpx.Response:
    return await rig.post(by, "/exports", {"subject_id": str(subject), "archive": b64encode(ARCHIVE).decode()})


async def opened(rig: Rig, subject: UUID) -> str:
    answer = await put_aside(rig, subject)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


async def collect(rig: Rig, token: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=rig.url, verify=tls.trusted()) as client:
        return await client.post("/exports/collect", json={"token": token})


async def person(rig: Rig) -> UUID:
    subject = uuid4()
    assert (await rig.make(subject)).status_code == 201
    return subject


async def test_a_copy_is_handed_out_once_to_whoever_has_its_link(rig: Rig) -> None:
    subject = await person(rig)
    token = await opened(rig, subject)
    first = await collect(rig, token)
    assert (first.status_code, first.content) == (200, ARCHIVE)
    assert first.headers["cache-control"] == "no-store"
    again = await collect(rig, token)
    assert again.status_code == 404
    assert [event.end for event in await rig.published(ExportClosed) if isinstance(event, ExportClosed)] == [
        "delivered"
    ]


async def test_a_copy_that_was_fetched_or_expired_can_be_opened_by_nobody(rig: Rig) -> None:
    subject = await person(rig)
    fetched, expired = await opened(rig, subject), await opened(rig, subject)
    stored = await _archives(rig)
    assert len(stored) == 2
    assert not any(ARCHIVE in archive for archive in stored)
    await collect(rig, fetched)
    rig.clock.advance(timedelta(days=7))
    assert (await collect(rig, expired)).status_code == 404
    await rig.work("expire_export")
    assert await _archives(rig) == []
    async with borrow(rig.service.database.pool) as connection:
        living = await connection.fetchval(
            "SELECT count(*) FROM subject_keys WHERE category LIKE 'export:%' AND wrapped IS NOT NULL"
        )
        assert living == 0


async def test_an_erasure_waits_for_the_copy_and_goes_on_when_it_was_fetched(rig: Rig) -> None:
    subject = await person(rig)
    token = await opened(rig, subject)
    await rig.delete(subject, DeletionReason.REQUESTED)
    assert await rig.stage(subject) == "delivering"
    assert await rig.requests() == []
    (erasure,) = await rig.erasures_of(subject)
    await collect(rig, token)
    await rig.work("ask_after_delivery")
    assert await rig.stage(subject) == "asking"
    (request,) = await rig.requests()
    assert request.due_at.isoformat().replace("+00:00", "Z") == erasure["due_at"]
    assert await rig.silent(subject) == set(HOLDERS)


async def test_an_erasure_waits_for_a_copy_that_nobody_fetches_for_seven_days_and_no_longer(rig: Rig) -> None:
    subject = await person(rig)
    await opened(rig, subject)
    await rig.delete(subject)
    rig.clock.advance(timedelta(days=7) - timedelta(seconds=1))
    await rig.work("expire_export")
    assert await rig.stage(subject) == "delivering"
    rig.clock.advance(timedelta(seconds=1))
    await rig.work("expire_export")
    await rig.work("ask_after_delivery")
    assert await rig.stage(subject) == "asking"


async def test_copies_that_are_opened_later_hold_no_erasure_up(rig: Rig) -> None:
    subject = await person(rig)
    token = await opened(rig, subject)
    await rig.delete(subject)
    rig.clock.advance(timedelta(days=1))
    await opened(rig, subject)
    await collect(rig, token)
    await rig.work("ask_after_delivery")
    assert await rig.stage(subject) == "asking"


async def test_an_erasure_that_grows_while_it_waits_asks_for_the_whole_of_it(rig: Rig) -> None:
    subject = await person(rig)
    token = await opened(rig, subject)
    await rig.delete(subject, DeletionReason.TERMINATED)
    await rig.delete(subject, DeletionReason.REQUESTED)
    assert await rig.stage(subject) == "delivering"
    await collect(rig, token)
    await rig.work("ask_after_delivery")
    (request,) = await rig.requests()
    assert request.reason is DeletionReason.REQUESTED


async def test_a_copy_for_nobody_by_nobody_or_of_nothing_is_refused(rig: Rig) -> None:
    subject = await person(rig)
    assert (await put_aside(rig, uuid4())).status_code == 404
    assert (await put_aside(rig, subject, by="notifications")).status_code == 403
    answer = await rig.post("privacy-officer", "/exports", {"subject_id": str(subject), "archive": "no base64!"})
    assert answer.status_code == 422
    assert "no base64!" not in answer.text


async def test_of_an_erased_person_no_copy_is_put_aside(rig: Rig) -> None:
    subject = await person(rig)
    await rig.erase(subject)
    assert (await put_aside(rig, subject)).status_code == 409


async def test_a_link_that_is_guessed_finds_nothing(rig: Rig) -> None:
    await opened(rig, await person(rig))
    for token in ("x", "A" * 43, "not base64 %", "ø" * 10):
        assert (await collect(rig, token)).status_code == 404


async def _archives(rig: Rig) -> list[bytes]:
    async with borrow(rig.service.database.pool) as connection:
        rows = await connection.fetch("SELECT archive FROM exports WHERE archive IS NOT NULL")
    return [row["archive"] for row in rows]


async def test_a_copy_that_was_opened_after_the_request_dies_with_the_persons_keys(rig: Rig) -> None:
    subject = await person(rig)
    await rig.delete(subject)
    token = await opened(rig, subject)
    await rig.answer((await rig.requests())[0])
    await rig.without_fence(subject)
    assert await rig.stage(subject) == "done"
    assert (await collect(rig, token)).status_code == 404
    assert await _archives(rig) == []
    assert [event.end for event in await rig.published(ExportClosed) if isinstance(event, ExportClosed)] == ["expired"]
    async with borrow(rig.service.database.pool) as connection:
        living = await connection.fetchval(
            "SELECT count(*) FROM subject_keys WHERE category LIKE 'export:%' AND wrapped IS NOT NULL"
        )
        assert living == 0
