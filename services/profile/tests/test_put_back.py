"""What the service said itself and its restored database forgot is put back from its own events; nobody erased is."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from chassis.clock import MovedClock
from chassis.outbox import OutboxRow
from chassis.own_past import runner_of
from chassis.records import Record
from chassis.recoveries import Sign
from chassis.service import Service
from chassis.sql import borrow
from contracts.personal import SubjectId
from profile_service import profiles
from profile_service.delete_profile import FINAL_DELETION

from chassis import outbox, recoveries

from .portal import Portal
from .rig import EVERYTHING, count, do_work, erase, state_of

TABLES = ("job_interests", "logins", "resumes", "deletions", "profiles", "outbox", "work", "subjects")


async def said(service: Service) -> Sequence[OutboxRow]:
    async with borrow(service.database.pool) as connection:
        return await outbox.due(connection, 1_000)


async def forget_everything(service: Service) -> None:
    """The database is that of a day before anybody came."""
    async with service.database.transaction(keys=()) as tx:
        for table in TABLES:
            await tx.execute(f"DELETE FROM {table}")


async def put_back(service: Service, events: Sequence[OutboxRow]) -> None:
    """As a recovery does, once the erasures since were carried out again."""
    for offset, row in enumerate(events):
        record = Record(row.topic, 0, offset, row.key.encode(), row.headers, row.body)
        if row.topic.endswith("profile.v1"):
            await runner_of(service).run(row.topic, [record], [])


async def restored(service: Service) -> None:
    events = await said(service)
    await forget_everything(service)
    await put_back(service, events)


async def has_profile(service: Service, subject: SubjectId) -> bool:
    async with borrow(service.database.pool) as connection:
        return await profiles.find(connection, subject) is not None


async def interests(portal: Portal, headers: Mapping[str, str]) -> list[str]:
    answer = await portal.http.get("/me/job-interests", headers=headers)
    return [item["occupation"] for item in answer.json()["items"]]


async def test_who_registered_and_corrected_since_is_there_with_what_they_said_last(portal: Portal) -> None:
    kari = await portal.job_seeker(email="kari@post.no")
    changed = {"name": "Kari Nyttnavn", "email": "kari@post.no", "phone": "+47 913 00 000"}
    assert (await portal.http.put("/me/profile", json=changed, headers=kari.headers)).status_code == 204
    before = (await portal.http.get("/me", headers=kari.headers)).json()
    await restored(portal.service)
    after = (await portal.http.get("/me", headers=kari.headers)).json()
    assert after["name"] == "Kari Nyttnavn"
    assert {key: value for key, value in after.items() if key != "resume"} == {
        key: value for key, value in before.items() if key != "resume"
    }


async def test_their_e_mail_stays_theirs_and_no_password_opens_it(portal: Portal) -> None:
    await portal.job_seeker(email="kari@post.no")
    await restored(portal.service)
    assert (await portal.log_in("kari@post.no")).status_code == 401
    taken = await portal.http.post(
        "/job-seekers", json=portal.person(email="kari@post.no"), headers=portal.as_operator()
    )
    assert taken.status_code == 409


async def test_interests_are_as_they_were_left(portal: Portal) -> None:
    kari = await portal.job_seeker()
    for occupation in ("Kokk", "Lege"):
        await portal.http.post("/me/job-interests", json={"occupation": occupation}, headers=kari.headers)
    [first, _] = (await portal.http.get("/me/job-interests", headers=kari.headers)).json()["items"]
    await portal.http.delete(f"/me/job-interests/{first['interest_id']}", headers=kari.headers)
    left = await interests(portal, kari.headers)
    await restored(portal.service)
    assert await interests(portal, kari.headers) == left
    assert len(left) == 1


async def test_who_had_asked_to_be_deleted_still_is_when_their_cooling_off_was_to_end(
    portal: Portal, clock: MovedClock
) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    await restored(portal.service)
    assert (await state_of(portal.service, kari.subject_id)).restricted
    clock.advance(timedelta(hours=71))
    await do_work(portal.service, FINAL_DELETION)
    assert await has_profile(portal.service, kari.subject_id)
    clock.advance(timedelta(hours=2))
    await do_work(portal.service, FINAL_DELETION)
    assert not await has_profile(portal.service, kari.subject_id)
    assert [dict(row.headers)["ce_type"] for row in await said(portal.service)] == [b"profile.deleted.v1"]


async def test_no_command_is_taken_before_what_it_said_itself_is_read(portal: Portal) -> None:
    """A deletion taken back meanwhile would be asked for again by the past: found by `tests/proofs`."""
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    async with portal.service.database.transaction(keys=()) as tx:
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(days=1), tx.now())
    refused = await portal.http.delete("/me/deletion", headers=kari.headers)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:tillit:problem:catching-up")
    assert int(refused.headers["Retry-After"]) > 0
    assert (await portal.log_in(kari.email)).status_code == 503
    assert (await portal.http.get("/me", headers=kari.headers)).status_code == 200
    await put_back(portal.service, await said(portal.service))
    async with portal.service.database.transaction(keys=()) as tx:
        for step in (recoveries.sought, recoveries.reapplied, recoveries.done):
            await step(tx.connection, tx.now())
    assert (await portal.http.delete("/me/deletion", headers=kari.headers)).status_code == 204
    assert not (await state_of(portal.service, kari.subject_id)).restricted


async def test_whose_profile_ended_since_is_not_let_in_again(portal: Portal, clock: MovedClock) -> None:
    kari = await portal.job_seeker()
    await portal.ask_deletion(kari)
    clock.advance(timedelta(hours=73))
    await do_work(portal.service, FINAL_DELETION)
    await restored(portal.service)
    assert not await has_profile(portal.service, kari.subject_id)
    assert await count(portal.service, "logins") == 0


async def test_nobody_who_was_erased_is_put_back(portal: Portal) -> None:
    kari = await portal.job_seeker()
    events = await said(portal.service)
    await forget_everything(portal.service)
    await erase(portal.service, kari.subject_id)
    await put_back(portal.service, events)
    for table in ("profiles", "logins", "job_interests", "parked"):
        assert await count(portal.service, table) == 0
    assert (await state_of(portal.service, kari.subject_id)).erased == EVERYTHING


async def test_what_is_there_already_is_left_as_it_is(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await portal.http.post("/me/job-interests", json={"occupation": "Kokk"}, headers=kari.headers)
    before = (await portal.http.get("/me", headers=kari.headers)).json()
    events = await said(portal.service)
    await put_back(portal.service, events)
    await put_back(portal.service, events)
    assert (await portal.http.get("/me", headers=kari.headers)).json() == before
    assert await interests(portal, kari.headers) == ["Kokk"]
    assert (await portal.log_in(kari.email)).status_code == 200
    assert await said(portal.service) == events


async def test_an_employers_user_whose_employer_is_not_known_any_more_is_left_out(portal: Portal) -> None:
    await portal.employer()
    events = await said(portal.service)
    await forget_everything(portal.service)
    async with portal.service.database.transaction(keys=()) as tx:
        await tx.execute("DELETE FROM employers")
    await put_back(portal.service, events)
    assert await count(portal.service, "profiles") == 0
    assert await count(portal.service, "parked") == 0
