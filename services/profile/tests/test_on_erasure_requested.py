"""Who is erased leaves nothing here but the tombstone, can't come back, and takes nothing of their employer's along."""

import asyncio

from chassis.clock import MovedClock
from chassis.sql import borrow
from chassis.testing.keyring import KeyringServer
from contracts.personal import Category
from profile_service.holder import HOLDER

from .portal import Portal
from .rig import EVERYTHING, count, erase, everything_stored, published, state_of, statuses


async def test_every_row_of_the_person_goes_and_the_answer_is_published(portal: Portal) -> None:
    kari, other = await portal.job_seeker(), await portal.job_seeker()
    await portal.http.post("/me/job-interests", json={"occupation": "Kokk"}, headers=kari.headers)
    await portal.ask_deletion(kari, "everything")
    await erase(portal.service, kari.subject_id)
    async with borrow(portal.service.database.pool) as connection:
        assert await HOLDER.residue(connection, kari.subject_id, list(Category)) == {}
        assert await HOLDER.residue(connection, other.subject_id, list(Category)) != {}
    assert await count(portal.service, "work") == 0
    assert (await published(portal.service))[-1] == "personal.data.erased.v1"
    assert (await state_of(portal.service, kari.subject_id)).erased == EVERYTHING


async def test_nothing_outside_the_outbox_names_an_erased_person_but_their_tombstone(portal: Portal) -> None:
    kari = await portal.job_seeker()
    async with portal.service.database.transaction(keys=()) as tx:
        await tx.execute("DELETE FROM outbox")
    await erase(portal.service, kari.subject_id)
    async with portal.service.database.transaction(keys=()) as tx:
        await tx.execute("DELETE FROM outbox")
    stored = await everything_stored(portal.service)
    assert stored.count(str(kari.subject_id)) == 1


async def test_an_erased_persons_token_is_refused(portal: Portal, keyring: KeyringServer) -> None:
    kari = await portal.job_seeker()
    await erase(portal.service, kari.subject_id)
    keyring.destroy(kari.subject_id, EVERYTHING)
    assert (await portal.http.get("/me", headers=kari.headers)).status_code == 401
    saved = await portal.http.post("/me/job-interests", json={"occupation": "Kokk"}, headers=kari.headers)
    assert saved.status_code == 401
    assert (await portal.log_in(kari.email)).status_code == 401


async def test_an_erasure_racing_commands_leaves_nothing_behind(portal: Portal) -> None:
    kari = await portal.job_seeker()
    saving = [
        portal.http.post("/me/job-interests", json={"occupation": f"Yrke {number}"}, headers=kari.headers)
        for number in range(6)
    ]
    *answers, _ = await asyncio.gather(*saving, erase(portal.service, kari.subject_id))
    assert set(statuses([answer for answer in answers if answer is not None])) <= {201, 401}
    async with borrow(portal.service.database.pool) as connection:
        assert await HOLDER.residue(connection, kari.subject_id, list(Category)) == {}


async def test_an_erasure_of_another_category_leaves_the_profile(portal: Portal) -> None:
    kari = await portal.job_seeker()
    await erase(portal.service, kari.subject_id, frozenset({Category.COMMUNICATION}))
    assert (await portal.http.get("/me", headers=kari.headers)).status_code == 200


async def test_positions_of_an_erased_user_stay_their_employers(portal: Portal, clock: MovedClock) -> None:
    per = await portal.employer()
    position = await portal.publish(per)
    await erase(portal.service, per.subject_id)
    assert (await portal.http.get(position.headers["Location"])).status_code == 200
    colleague = await portal.employer()
    where = f"{position.headers['Location']}/close"
    assert (await portal.http.post(where, json={}, headers=colleague.headers)).status_code == 204


async def test_the_email_of_an_erased_person_is_free_and_not_listed_anywhere(portal: Portal) -> None:
    first = await portal.job_seeker(email="kari@post.no")
    await erase(portal.service, first.subject_id)
    again = await portal.job_seeker(email="kari@post.no")
    assert again.subject_id != first.subject_id
