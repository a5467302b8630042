"""What a transaction publishes and enqueues is committed with what it changes, in order, or not at all."""

import asyncio
from uuid import UUID, uuid4

import pytest
from chassis.errors import SubjectGone
from chassis.records import Cause
from chassis.sql import borrow
from chassis.transaction import NotLocked, NotOurTopic, Transaction
from contracts.personal import Category, SubjectId

from chassis import outbox

from .town import POISON, Town, message, saved


async def work_keys(town: Town, prefix: str) -> list[str]:
    async with borrow(town.service.database.pool) as connection:
        rows = await connection.fetch("SELECT key FROM work WHERE key LIKE $1 || '%' ORDER BY id", prefix)
    return [row["key"] for row in rows]


async def sent_ids(town: Town, subject: SubjectId) -> list[UUID]:
    """The ids of the events about a person that wait to be sent, in the order in which they will be."""
    async with borrow(town.service.database.pool) as connection:
        rows = await outbox.due(connection, 10_000)
    return [UUID(dict(row.headers)["ce_id"].decode()) for row in rows if row.key == str(subject)]


async def test_events_of_one_transaction_keep_their_order(town: Town) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject]) as tx:
        published = [tx.publish(message(subject)) for _ in range(30)]
    assert await sent_ids(town, subject) == published


async def test_order_per_person_is_the_order_of_commits(town: Town) -> None:
    subject = town.person()
    published: list[UUID] = []

    async def command() -> None:
        async with town.service.database.transaction([subject]) as tx:
            published.append(tx.publish(message(subject)))
            await asyncio.sleep(0)

    await asyncio.gather(*(command() for _ in range(8)))
    assert await sent_ids(town, subject) == published


async def test_a_failed_transaction_publishes_and_enqueues_nothing(town: Town) -> None:
    subject = town.person()
    called: list[str] = []

    async def fail() -> None:
        async with town.service.database.transaction([subject]) as tx:
            tx.publish(message(subject))
            tx.enqueue("tell", f"{subject}/1", subject=subject)
            tx.after_commit.append(lambda: called.append("after"))
            await tx.restrict(subject, "asked")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await sent_ids(town, subject) == []
    assert await work_keys(town, str(subject)) == []
    assert called == []
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert not tx.state(subject).restricted


async def test_what_comes_after_the_commit_runs_in_order_and_sees_it(town: Town) -> None:
    subject = town.person()
    seen: list[object] = []

    async def look() -> None:
        seen.append(len(await sent_ids(town, subject)))

    async with town.service.database.transaction([subject]) as tx:
        tx.after_commit.extend([lambda: seen.append("first"), look])
        tx.publish(message(subject))
        assert await sent_ids(town, subject) == []
    assert seen == ["first", 1]


async def test_a_savepoint_that_fails_takes_back_events_work_states_and_rows(town: Town) -> None:
    subject = town.person()

    async def fail(tx: Transaction) -> None:
        async with tx.savepoint():
            tx.publish(message(subject))
            tx.enqueue("tell", f"{subject}/2", subject=subject)
            tx.after_commit.append(lambda: pytest.fail("it was taken back"))
            await tx.restrict(subject, "asked")
            await tx.mark_erased(subject, {Category.COMMUNICATION})
            await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
            raise LookupError

    async with town.service.database.transaction([subject]) as tx:
        first = tx.publish(message(subject))
        tx.enqueue("tell", f"{subject}/1", subject=subject)
        with pytest.raises(LookupError):
            await fail(tx)
        assert not tx.state(subject).restricted
        assert not tx.state(subject).is_erased(Category.COMMUNICATION)
        assert await tx.fetchval("SELECT count(*) FROM letters WHERE subject_id = $1", subject) == 0
        async with tx.savepoint():
            await tx.restrict(subject, "disputed")
            second = tx.publish(message(subject))
        assert tx.state(subject).restrictions == {"disputed"}
    assert await sent_ids(town, subject) == [first, second]
    assert await work_keys(town, str(subject)) == [f"{subject}/1"]


async def test_publishing_about_a_person_who_is_not_locked_is_refused(town: Town) -> None:
    locked, stranger = town.person(), town.person()
    async with town.service.database.transaction([locked]) as tx:
        with pytest.raises(NotLocked, match="did not lock"):
            tx.publish(message(stranger))
        with pytest.raises(NotLocked):
            tx.state(stranger)
        with pytest.raises(NotLocked):
            await tx.restrict(stranger, "asked")
    assert await sent_ids(town, stranger) == []


async def test_publishing_about_somebody_without_keys_is_refused(town: Town) -> None:
    nobody = SubjectId(uuid4())
    async with town.service.database.transaction([nobody]) as tx:
        with pytest.raises(SubjectGone):
            tx.publish(message(nobody))


async def test_publishing_what_is_another_services_to_say_is_refused(town: Town) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject]) as tx:
        with pytest.raises(NotOurTopic, match="notifications may not publish on profile"):
            tx.publish(saved(subject, 1, POISON))
    assert await sent_ids(town, subject) == []


async def test_an_event_follows_from_what_the_transaction_follows_from(town: Town) -> None:
    subject, cause = town.person(), Cause(uuid4(), uuid4())
    async with town.service.database.transaction([subject], cause=cause) as tx:
        tx.publish(message(subject))
        tx.enqueue("tell", f"{subject}/1", subject=subject)
    async with borrow(town.service.database.pool) as connection:
        [headers] = [dict(row.headers) for row in await outbox.due(connection, 10_000) if row.key == str(subject)]
        work = await connection.fetchrow(
            "SELECT correlation_id, causation_id FROM work WHERE subject_id = $1 AND kind = 'tell'", subject
        )
    assert headers["ce_correlationid"] == str(cause.correlation_id).encode()
    assert headers["ce_causationid"] == str(cause.event_id).encode()
    assert work is not None
    assert Cause(*work.values()) == cause


async def test_crossing_people_are_locked_without_deadlock_by_commands(town: Town) -> None:
    people = [town.person() for _ in range(4)]

    async def command(turn: int) -> None:
        about = people[turn:] + people[:turn]
        async with town.service.database.transaction(about if turn % 2 else reversed(about)) as tx:
            for subject in about:
                tx.publish(message(subject))

    await asyncio.gather(*(command(turn % 4) for turn in range(10)))
    assert [len(await sent_ids(town, subject)) for subject in people] == [10] * 4


async def test_a_connection_given_back_in_the_middle_of_a_transaction_comes_back_without_it(town: Town) -> None:
    pool, subject = town.service.database.pool, SubjectId(uuid4())
    async with borrow(pool) as connection:
        session = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("BEGIN")
        await connection.execute("INSERT INTO subjects (subject_id) VALUES ($1)", subject)
    async with borrow(pool) as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == session, "another connection shows nothing"
        assert await connection.fetchval("SELECT 1 FROM subjects WHERE subject_id = $1", subject) is None
