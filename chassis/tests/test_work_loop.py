"""Work is done once, by whoever holds its lease; what fails is tried again later, and what a person forbids is dropped."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.health import Health
from chassis.reactions import Mode
from chassis.sql import borrow
from chassis.transaction import Transaction
from chassis.work import WorkItem
from chassis.work_loop import LEASE, Errand, LeaseLost, Step, WorkKind, WorkLoop, cause_of, finish, renew
from contracts.personal import Category, SubjectId
from contracts.purposes import PurposeId

from chassis import work

from .town import CANARY, Town, message

USER = Category.USER_INFORMATION


def step_of(kind: str, step: Step, mode: Mode = Mode.STORE) -> WorkKind:
    return WorkKind(kind, mode, PurposeId.P4, USER, step=step)


def errand_of(kind: str, errand: Errand, every: timedelta | None = None) -> WorkKind:
    return WorkKind(kind, Mode.USE, PurposeId.P4, USER, errand=errand, every=every)


def loop_of(town: Town, kind: WorkKind) -> WorkLoop:
    return WorkLoop(
        kind,
        database=town.service.database,
        wake=asyncio.Event(),
        metrics=town.service.metrics,
        loop=Health().loop(kind.kind, timedelta(minutes=1)),
    )


async def one_round(town: Town, kind: WorkKind) -> None:
    """What is due now."""
    loop = loop_of(town, kind)
    round_ = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    loop.stop()
    await round_


async def ask_for(town: Town, kind: str, *keys: str, subject: SubjectId | None = None) -> None:
    async with town.service.database.transaction(keys=()) as tx:
        for key in keys:
            tx.enqueue(kind, key, subject=subject)


async def waiting(town: Town, kind: str) -> int:
    async with borrow(town.service.database.pool) as connection:
        return (await work.depth(connection)).get(kind, 0)


async def all_done(town: Town, kind: str) -> None:
    for _ in range(1_000):
        if not await waiting(town, kind):
            return
        await asyncio.sleep(0.02)
    pytest.fail("there is still work")


async def attempts(town: Town, kind: str) -> tuple[int, timedelta]:
    """Of the only item: how often it was tried, and how long from now it is due."""
    async with borrow(town.service.database.pool) as connection:
        row = await connection.fetchrow("SELECT attempts, due_at FROM work WHERE kind = $1", kind)
    assert row is not None
    return row["attempts"], row["due_at"] - town.clock.now()


class Doer:
    """A step that notes what it did, in memory and in a table."""

    def __init__(self, before: Callable[[WorkItem, Transaction], Awaitable[None]] | None = None) -> None:
        self.done: list[str] = []
        self._before = before

    async def step(self, item: WorkItem, tx: Transaction) -> None:
        await tx.execute("INSERT INTO adverts (position_id, title, floor) VALUES ($1, $2, 0)", uuid4(), item.kind)
        if self._before is not None:
            await self._before(item, tx)
        self.done.append(item.key)


async def committed(town: Town, kind: str) -> int:
    async with borrow(town.service.database.pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM adverts WHERE title = $1", kind))


@pytest.fixture
def kind() -> str:
    """A kind of work that no other test knows."""
    return f"work {uuid4()}"


async def test_a_step_is_done_once_with_its_item(town: Town, kind: str) -> None:
    doer = Doer()
    await ask_for(town, kind, "a", "b", "a")
    await ask_for(town, kind, "b")
    assert await waiting(town, kind) == 2
    await one_round(town, step_of(kind, doer.step))
    await one_round(town, step_of(kind, doer.step))
    assert sorted(doer.done) == ["a", "b"]
    assert (await committed(town, kind), await waiting(town, kind)) == (2, 0)


async def test_done_work_can_be_asked_for_again(town: Town, kind: str) -> None:
    doer = Doer()
    for _ in range(2):
        await ask_for(town, kind, "a")
        await one_round(town, step_of(kind, doer.step))
    assert doer.done == ["a", "a"]


async def test_work_is_not_done_before_it_is_due(town: Town, kind: str) -> None:
    doer = Doer()
    async with town.service.database.transaction(keys=()) as tx:
        tx.enqueue(kind, "later", due_at=tx.now() + timedelta(hours=1))
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == []
    town.clock.advance(timedelta(hours=1))
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == ["later"]


async def test_cancelled_work_is_not_done(town: Town, kind: str) -> None:
    doer = Doer()
    await ask_for(town, kind, "a", "b")
    async with town.service.database.transaction(keys=()) as tx:
        assert await work.cancel(tx.connection, kind, "a")
        assert not await work.cancel(tx.connection, kind, "never")
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == ["b"]


async def test_a_step_whose_lease_was_lost_commits_nothing(town: Town, kind: str) -> None:
    """Taken, then slow or frozen: someone else has the item by the time it is to be done."""
    doer = Doer()
    await ask_for(town, kind, "a")
    now = town.clock.now()
    async with borrow(town.service.database.pool) as connection:
        [ours] = await work.claim(connection, kind, lease=uuid4(), now=now, lease_time=LEASE, limit=9)
        assert await work.claim(connection, kind, lease=uuid4(), now=now, lease_time=LEASE, limit=9) == []
        later = now + LEASE
        [theirs] = await work.claim(connection, kind, lease=uuid4(), now=later, lease_time=LEASE, limit=9)
    with pytest.raises(LeaseLost):
        async with town.service.database.transaction(keys=()) as tx:
            await finish(ours, tx)
    with pytest.raises(LeaseLost):
        async with town.service.database.transaction(keys=()) as tx:
            await renew(ours, tx)
    async with town.service.database.transaction(keys=()) as tx:
        await renew(theirs, tx)
        await finish(theirs, tx)
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == []


async def test_a_step_that_loses_its_lease_in_the_middle_rolls_back(town: Town, kind: str) -> None:
    async def lose(item: WorkItem, tx: Transaction) -> None:
        raise LeaseLost

    await ask_for(town, kind, "a")
    await one_round(town, step_of(kind, Doer(lose).step))
    assert await committed(town, kind) == 0
    assert await waiting(town, kind) == 1


async def test_failing_work_is_tried_again_with_growing_delays_and_never_given_up(town: Town, kind: str) -> None:
    async def fail(item: WorkItem, tx: Transaction) -> None:
        raise LookupError(CANARY)

    failing = Doer(fail)
    await ask_for(town, kind, "a")
    delays: list[float] = []
    for attempt in range(1, 15):
        await one_round(town, step_of(kind, failing.step))
        tried, delay = await attempts(town, kind)
        assert tried == attempt
        delays.append(delay.total_seconds())
        town.clock.advance(delay - timedelta(microseconds=1))
        await one_round(town, step_of(kind, failing.step))
        assert (await attempts(town, kind))[0] == attempt, "it was tried before its time"
        town.clock.advance(timedelta(microseconds=1))
    assert delays == [*(2.0**power for power in range(10)), 900.0, 900.0, 900.0, 900.0]
    assert await committed(town, kind) == 0
    doer = Doer()
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == ["a"]


async def test_one_failing_item_delays_no_other(town: Town, kind: str) -> None:
    async def fail(item: WorkItem, tx: Transaction) -> None:
        if item.key == "3":
            raise LookupError

    doer = Doer(fail)
    await ask_for(town, kind, *map(str, range(8)))
    await one_round(town, step_of(kind, doer.step))
    assert sorted(doer.done) == [str(number) for number in range(8) if number != 3]
    assert (await committed(town, kind), await waiting(town, kind)) == (7, 1)


async def test_a_restricted_persons_work_is_dropped_where_it_uses_and_done_where_it_stores(
    town: Town, kind: str
) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.restrict(subject, "asked")
    for mode, wanted in ((Mode.USE, []), (Mode.STORE, ["a"])):
        doer = Doer()
        await ask_for(town, kind, "a", subject=subject)
        await one_round(town, step_of(kind, doer.step, mode))
        assert doer.done == wanted
        assert await waiting(town, kind) == 0


async def test_an_erased_persons_work_is_dropped_unless_it_is_of_the_protocol(town: Town, kind: str) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.mark_erased(subject, [USER])
    for mode, wanted in ((Mode.USE, []), (Mode.STORE, []), (Mode.PROTOCOL, ["a"])):
        doer = Doer()
        await ask_for(town, kind, "a", subject=subject)
        await one_round(town, step_of(kind, doer.step, mode))
        assert doer.done == wanted
        assert await waiting(town, kind) == 0


async def test_a_step_publishes_and_is_done_in_one_transaction(town: Town, kind: str) -> None:
    subject = town.person()

    async def tell(item: WorkItem, tx: Transaction) -> None:
        tx.publish(message(subject))

    await ask_for(town, kind, "a", subject=subject)
    await one_round(town, step_of(kind, Doer(tell).step))
    assert await town.published(subject) == ["message.sent.v1"]


async def test_an_errand_ends_its_item_where_it_records_the_outcome(town: Town, kind: str) -> None:
    seen: list[int] = []

    async def errand(item: WorkItem) -> None:
        async with town.service.database.transaction(keys=(), cause=cause_of(item)) as tx:
            await renew(item, tx)
            await finish(item, tx)
            assert tx.cause.correlation_id == item.correlation_id
        seen.append(await waiting(town, kind))

    await ask_for(town, kind, "a")
    await one_round(town, errand_of(kind, errand))
    assert seen == [0]
    assert await waiting(town, kind) == 0


async def test_an_errand_that_fails_is_tried_again_and_one_that_returns_is_over(town: Town, kind: str) -> None:
    tries: list[int] = []

    async def errand(item: WorkItem) -> None:
        tries.append(item.attempts)
        if len(tries) == 1:
            raise ConnectionRefusedError

    await ask_for(town, kind, "a")
    await one_round(town, errand_of(kind, errand))
    assert await attempts(town, kind) == (1, timedelta(seconds=1))
    town.clock.advance(timedelta(seconds=1))
    await one_round(town, errand_of(kind, errand))
    assert tries == [1, 2]
    assert await waiting(town, kind) == 0


async def test_a_frozen_errand_is_done_by_another_and_its_own_end_changes_nothing(town: Town, kind: str) -> None:
    outcomes: list[str] = []

    async def errand(item: WorkItem) -> None:
        if not outcomes:
            outcomes.append("frozen")
            town.clock.advance(LEASE)
            await one_round(town, errand_of(kind, errand))
        async with town.service.database.transaction(keys=()) as tx:
            await finish(item, tx)
        outcomes.append("done")

    await ask_for(town, kind, "a")
    await one_round(town, errand_of(kind, errand))
    assert outcomes == ["frozen", "done"]
    assert await waiting(town, kind) == 0


async def test_work_asked_for_while_the_clock_was_ahead_is_done_once_it_is_right(town: Town, kind: str) -> None:
    doer, right = Doer(), town.clock.now()
    town.clock.advance(timedelta(hours=6))
    await ask_for(town, kind, "a")
    town.clock.set(right)
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == ["a"]


async def test_an_item_taken_while_the_clock_was_ahead_does_not_wait_until_it_is_that_late(
    town: Town, kind: str
) -> None:
    doer, right = Doer(), town.clock.now()
    await ask_for(town, kind, "a")
    town.clock.advance(timedelta(hours=6))
    async with borrow(town.service.database.pool) as connection:
        ahead = town.clock.now()
        taken = await work.claim(connection, kind, lease=uuid4(), now=ahead, lease_time=LEASE, limit=1)
    assert [item.key for item in taken] == ["a"]
    town.clock.set(right)
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == ["a"]
    async with town.service.database.transaction(keys=()) as tx:
        with pytest.raises(LeaseLost):
            await finish(taken[0], tx)


async def test_a_lease_and_a_delay_of_a_right_clock_are_kept(town: Town, kind: str) -> None:
    doer = Doer()
    await ask_for(town, kind, "a")
    async with borrow(town.service.database.pool) as connection:
        now = town.clock.now()
        await work.claim(connection, kind, lease=uuid4(), now=now, lease_time=LEASE, limit=1)
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == []
    async with town.service.database.transaction(keys=()) as tx:
        await tx.execute(
            "UPDATE work SET attempts = 12, due_at = $2 WHERE kind = $1", kind, now + timedelta(minutes=15)
        )
    await one_round(town, step_of(kind, doer.step))
    assert doer.done == []
    assert await attempts(town, kind) == (12, timedelta(minutes=15))


async def test_recurring_work_comes_again_after_its_time_for_one_worker(town: Town, kind: str) -> None:
    runs: list[int] = []

    async def errand(item: WorkItem) -> None:
        runs.append(item.attempts)

    recurring = errand_of(kind, errand, every=timedelta(minutes=5))
    await asyncio.gather(*(one_round(town, recurring) for _ in range(3)))
    assert runs == [1]
    town.clock.advance(timedelta(minutes=4, seconds=59))
    await one_round(town, recurring)
    assert runs == [1]
    town.clock.advance(timedelta(seconds=1))
    await one_round(town, recurring)
    assert runs == [1, 1]
    assert await waiting(town, kind) == 1


async def test_recurring_work_whose_last_round_was_on_a_clock_ahead_does_not_wait_until_it_is_that_late(
    town: Town, kind: str
) -> None:
    runs: list[int] = []

    async def errand(item: WorkItem) -> None:
        runs.append(item.attempts)

    recurring, right = errand_of(kind, errand, every=timedelta(minutes=5)), town.clock.now()
    town.clock.advance(timedelta(days=2))
    await one_round(town, recurring)
    town.clock.set(right)
    await one_round(town, recurring)
    assert runs == [1, 1]
    town.clock.advance(timedelta(minutes=4))
    await one_round(town, recurring)
    assert runs == [1, 1], "the time of a right clock is kept"


async def test_loops_at_the_same_time_never_do_one_item_twice(town: Town, kind: str) -> None:
    doer = Doer()
    await ask_for(town, kind, *map(str, range(120)))
    loops = [loop_of(town, step_of(kind, doer.step)) for _ in range(3)]
    running = [asyncio.create_task(loop.run()) for loop in loops]
    await all_done(town, kind)
    for loop in loops:
        loop.stop()
    await asyncio.gather(*running)
    assert sorted(doer.done, key=int) == [str(number) for number in range(120)]
    assert await committed(town, kind) == 120


async def test_without_the_keyring_work_about_people_waits_and_is_done_later(town: Town, kind: str) -> None:
    doer, subject = Doer(), town.person()
    await ask_for(town, kind, "a", subject=subject)
    town.keyring.unavailable = True
    loop = loop_of(town, step_of(kind, doer.step))
    running = asyncio.create_task(loop.run())
    await asyncio.sleep(0.2)
    assert doer.done == []
    town.keyring.unavailable = False
    town.clock.advance(LEASE)
    await all_done(town, kind)
    loop.stop()
    await running
    assert doer.done == ["a"]


async def test_the_next_due_time_is_that_of_the_earliest_item(town: Town, kind: str) -> None:
    async with town.service.database.transaction(keys=()) as tx:
        tx.enqueue(kind, "early", due_at=tx.now() - timedelta(days=900))
    async with borrow(town.service.database.pool) as connection:
        assert await work.next_due(connection) == town.clock.now() - timedelta(days=900)
        assert await work.cancel(connection, kind, "early")
