"""A person's row is the lock that all who write about them take, and their state is true while it is held."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest
from chassis.subjects import ACTIVE, SubjectState
from chassis.transaction import Transaction
from contracts.personal import Category, SubjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import subjects

from .town import AT, Town


async def test_somebody_never_met_is_active_and_met_from_now_on(town: Town) -> None:
    somebody = SubjectId(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        assert await subjects.lock(tx.connection, [somebody, somebody]) == {somebody: ACTIVE}
        assert await tx.fetchval("SELECT count(*) FROM subjects WHERE subject_id = $1", somebody) == 1
        assert await subjects.lock(tx.connection, []) == {}


async def test_a_restriction_holds_until_every_reason_is_lifted(town: Town) -> None:
    somebody = SubjectId(uuid4())
    async with town.service.database.transaction([somebody], keys=()) as tx:
        await tx.restrict(somebody, "asked")
        await tx.restrict(somebody, "asked")
        await tx.restrict(somebody, "disputed")
        await tx.lift_restriction(somebody, "asked")
        assert tx.state(somebody).restricted
    async with town.service.database.transaction([somebody], keys=()) as tx:
        assert tx.state(somebody) == SubjectState(restrictions=frozenset({"disputed"}))
        await tx.lift_restriction(somebody, "disputed")
        await tx.lift_restriction(somebody, "never a reason")
        assert not tx.state(somebody).restricted
    async with town.service.database.transaction([somebody], keys=()) as tx:
        assert tx.state(somebody) == ACTIVE


async def test_a_tombstone_grows_and_never_shrinks(town: Town) -> None:
    somebody = SubjectId(uuid4())
    for categories in ({Category.COMMUNICATION}, {Category.USER_INFORMATION}, {Category.COMMUNICATION}):
        async with town.service.database.transaction([somebody], keys=()) as tx:
            await tx.mark_erased(somebody, categories)
    async with town.service.database.transaction([somebody], keys=()) as tx:
        state = tx.state(somebody)
        assert state.erased == {Category.COMMUNICATION, Category.USER_INFORMATION}
        assert state.is_erased(Category.COMMUNICATION)
        assert not state.is_erased(Category.RIGHTS_CASE)
        assert not state.is_erased(None)
        with pytest.raises(asyncpg.CheckViolationError):
            await tx.execute("UPDATE subjects SET erased_at = NULL WHERE subject_id = $1", somebody)


def test_what_outlives_an_erased_profile_is_kept_and_no_longer_used() -> None:
    assert SubjectState(erased=frozenset({Category.USER_INFORMATION})).restricted
    assert not SubjectState(erased=frozenset({Category.COMMUNICATION})).restricted


async def test_the_state_in_memory_is_the_state_in_the_table(town: Town) -> None:
    somebody = SubjectId(uuid4())
    async with town.service.database.transaction([somebody], keys=()) as tx:
        await tx.restrict(somebody, "asked")
        await tx.mark_erased(somebody, {Category.COMMUNICATION})
        assert await subjects.lock(tx.connection, [somebody]) == {somebody: tx.state(somebody)}


async def test_two_transactions_about_one_person_come_one_after_the_other(town: Town) -> None:
    somebody = SubjectId(uuid4())
    inside = 0

    async def change() -> None:
        nonlocal inside
        async with town.service.database.transaction([somebody], keys=()) as tx:
            inside += 1
            assert inside == 1
            await tx.fetchval("SELECT 1 FROM pg_sleep(0.01)")
            inside -= 1

    await asyncio.gather(*(change() for _ in range(6)))


async def test_a_lock_held_too_long_gives_up_and_says_so(town: Town) -> None:
    somebody = SubjectId(uuid4())
    held, release = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with town.service.database.transaction([somebody], keys=()):
            held.set()
            await release.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    try:
        async with town.service.database.transaction(keys=()) as tx:
            await tx.execute("SET LOCAL lock_timeout = '20ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await subjects.lock(tx.connection, [somebody])
    finally:
        release.set()
        await holder


@settings(max_examples=10, deadline=None)
@given(orders=st.lists(st.permutations(range(5)), min_size=4, max_size=8), met=st.booleans())
async def test_crossing_people_never_deadlock_however_they_are_named(
    shared_town: Town, orders: list[list[int]], met: bool
) -> None:
    people = [SubjectId(uuid4()) for _ in range(5)]
    database = shared_town.service.database
    if met:
        async with database.transaction(people, keys=()):
            pass

    async def touch(order: list[int]) -> None:
        async with database.transaction([people[place] for place in order[:4]], keys=()) as tx:
            await _touch_each(tx, [people[place] for place in order[:4]])

    await asyncio.gather(*(touch(order) for order in orders))


async def _touch_each(tx: Transaction, people: list[SubjectId]) -> None:
    for person in people:
        await subjects.mark_erased(tx.connection, person, {Category.COMMUNICATION}, AT)
