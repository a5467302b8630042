"""A tombstone meets everything late, and is forgotten once nothing late can come and nothing of the person is here."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.sql import borrow
from chassis.work import WorkItem
from contracts.personal import Category, SubjectId

from chassis import housekeeping, subjects

from .claims import claimed
from .town import CATEGORIES, PROFILE_ONLY, Town, saved

DAY = timedelta(days=1)


async def erased(town: Town, *, categories: frozenset[Category] = CATEGORIES) -> SubjectId:
    """Somebody who is erased here, now."""
    subject = town.person()
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.mark_erased(subject, categories)
    return subject


async def stands(town: Town, subject: SubjectId) -> bool:
    async with borrow(town.service.database.pool) as connection:
        return bool(await connection.fetchval("SELECT count(*) FROM subjects WHERE subject_id = $1", subject))


async def sweep_after(town: Town, time: timedelta) -> None:
    town.clock.advance(time)
    item: WorkItem = await claimed(town)
    await housekeeping.sweep(town.service, item)


async def test_a_tombstone_stands_through_its_window_and_is_forgotten_after_it(town: Town) -> None:
    subject = await erased(town)
    window = town.service.settings.tombstone_window
    await sweep_after(town, window - DAY)
    assert await stands(town, subject)
    await sweep_after(town, 2 * DAY)
    assert not await stands(town, subject)


async def test_an_erasure_of_more_begins_the_window_anew(town: Town) -> None:
    subject = await erased(town, categories=PROFILE_ONLY)
    window = town.service.settings.tombstone_window
    await sweep_after(town, window - DAY)
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.mark_erased(subject, {Category.COMMUNICATION})
    await sweep_after(town, 2 * DAY)
    assert await stands(town, subject)


async def test_who_still_has_data_of_another_category_keeps_the_tombstone_until_it_is_gone(town: Town) -> None:
    subject = await erased(town, categories=PROFILE_ONLY)
    async with borrow(town.service.database.pool) as connection:
        await connection.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
    await sweep_after(town, town.service.settings.tombstone_window + DAY)
    assert await stands(town, subject)
    async with borrow(town.service.database.pool) as connection:
        await connection.execute("DELETE FROM letters WHERE subject_id = $1", subject)
    await sweep_after(town, DAY)
    assert not await stands(town, subject)


async def test_who_waits_for_work_keeps_the_tombstone(town: Town) -> None:
    subject = await erased(town)
    async with town.service.database.transaction([subject], keys=()) as tx:
        tx.enqueue("scan", str(subject), subject=subject)
    await sweep_after(town, town.service.settings.tombstone_window + DAY)
    assert await stands(town, subject)


async def test_a_restriction_that_outlives_the_profile_keeps_the_tombstone(town: Town) -> None:
    disputed, leaving = await erased(town), await erased(town)
    async with town.service.database.transaction([disputed, leaving], keys=()) as tx:
        await tx.restrict(disputed, "disputed")
        await tx.restrict(leaving, subjects.DELETION_PENDING)
    await sweep_after(town, town.service.settings.tombstone_window + DAY)
    assert await stands(town, disputed)
    assert not await stands(town, leaving)


async def test_people_who_are_not_erased_are_never_forgotten(town: Town) -> None:
    living = town.person()
    async with town.service.database.transaction([living], keys=()):
        pass
    await sweep_after(town, 100 * town.service.settings.tombstone_window)
    assert await stands(town, living)


async def test_those_who_stay_hold_up_none_who_go_however_many_parts_it_takes(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "PART", 2)
    people = [await erased(town) for _ in range(9)]
    staying = people[:5]
    async with borrow(town.service.database.pool) as connection:
        for subject in staying:
            await connection.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
    await sweep_after(town, town.service.settings.tombstone_window + DAY)
    assert [await stands(town, subject) for subject in people] == [True] * 5 + [False] * 4


async def test_what_was_never_sent_about_the_erased_goes_with_their_tombstone(town: Town) -> None:
    subject = town.person()
    await town.say(saved(subject, 1))
    assert await town.answers(subject) == 1
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.mark_erased(subject, CATEGORIES)
    async with borrow(town.service.database.pool) as connection:
        await connection.execute("DELETE FROM kept WHERE subject_id = $1", subject)
        await connection.execute("UPDATE outbox SET refused = 'too large' WHERE key = $1", str(subject))
    await sweep_after(town, town.service.settings.tombstone_window - DAY)
    assert await town.answers(subject) == 1
    await sweep_after(town, 2 * DAY)
    assert await town.answers(subject) == 0


async def test_a_person_in_use_is_not_swept(town: Town) -> None:
    subject = await erased(town)
    async with borrow(town.service.database.pool) as connection, connection.transaction():
        await subjects.lock(connection, [subject])
        await sweep_after(town, town.service.settings.tombstone_window + DAY)
    assert await stands(town, subject)


async def test_who_waits_for_a_person_that_is_swept_goes_on_with_somebody_never_met(town: Town) -> None:
    subject = await erased(town)
    async with borrow(town.service.database.pool) as connection, connection.transaction():
        tombstones = await subjects.lock_tombstones(connection, town.clock.now() + DAY, None, 100)
        assert subject in {tombstone.subject_id for tombstone in tombstones}
        waiting = asyncio.create_task(_lock(town, subject))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await subjects.forget(connection, [subject])
    assert await waiting == subjects.ACTIVE


async def _lock(town: Town, subject: SubjectId) -> subjects.SubjectState:
    async with town.service.database.transaction([subject], keys=()) as tx:
        return tx.state(subject)
