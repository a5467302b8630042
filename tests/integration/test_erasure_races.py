"""An erasure and whatever else touches the person take turns, whoever comes first, and nothing is left or comes back."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from chassis.errors import OffsetMoved, SubjectGone
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import deliver
from chassis.transaction import Transaction
from contracts.event import Event
from contracts.personal import SubjectId

from chassis import outbox
from tests.integration import writer
from tests.integration.reader import HOLDER, POISON, arrivals
from tests.integration.town import Town, parked_rows
from tests.integration.writer import erasure, removed, saved, say, say_in

_A_WHILE = 0.3


async def test_an_erasure_waits_for_a_reaction_in_mid_transaction_and_erases_what_it_wrote(town: Town) -> None:
    subject = town.person()
    town.behaviour.waits = True
    reacting = asyncio.create_task(_take_in(town.reader, saved(subject, 1)))
    await town.behaviour.entered.wait()
    erasing = asyncio.create_task(_take_in(town.reader, erasure(subject)))
    await asyncio.sleep(_A_WHILE)
    assert not erasing.done()
    town.behaviour.go_on.set()
    await asyncio.gather(reacting, erasing)
    assert town.behaviour.runs == 1
    assert await arrivals(town.reader, subject) == []
    assert await _types_to_be_sent(town.reader) == ["personal.data.erased.v1"]


async def test_a_reaction_waits_for_an_erasure_in_mid_transaction_and_changes_nothing(town: Town) -> None:
    subject = town.person()
    await _take_in(town.reader, saved(subject, 1))
    async with _in_mid_transaction(town.reader, subject, lambda tx: HOLDER.erase(erasure(subject), tx)):
        reacting = asyncio.create_task(_take_in(town.reader, saved(subject, 2)))
        await asyncio.sleep(_A_WHILE)
        assert not reacting.done()
    await reacting
    assert town.behaviour.runs == 1
    assert await arrivals(town.reader, subject) == []
    assert await parked_rows(town.reader) == []


async def test_an_erasure_waits_for_a_command_in_mid_transaction_and_erases_what_it_wrote(town: Town) -> None:
    subject = town.person()
    async with _in_mid_transaction(town.writer, subject, lambda tx: say_in(tx, subject)):
        erasing = asyncio.create_task(_take_in(town.writer, erasure(subject)))
        await asyncio.sleep(_A_WHILE)
        assert not erasing.done()
    await erasing
    assert await _said(town.writer) == 0
    assert await _types_to_be_sent(town.writer) == ["job.interest.saved.v1", "personal.data.erased.v1"]


async def test_a_command_waits_for_an_erasure_in_mid_transaction_and_writes_nothing(town: Town) -> None:
    subject = town.person()
    await say(town.writer.database, subject)
    async with _in_mid_transaction(town.writer, subject, lambda tx: writer.HOLDER.erase(erasure(subject), tx)):
        command = asyncio.create_task(say(town.writer.database, subject))
        await asyncio.sleep(_A_WHILE)
        assert not command.done()
    with pytest.raises(SubjectGone):
        await command
    assert await _said(town.writer) == 0
    assert await _types_to_be_sent(town.writer) == ["job.interest.saved.v1", "personal.data.erased.v1"]


async def test_an_unsealed_event_about_an_erased_person_is_not_published_either(town: Town) -> None:
    subject = town.person()
    await _take_in(town.writer, erasure(subject))
    with pytest.raises(SubjectGone):
        await writer.publish(town.writer.database, removed(subject, 1))


async def test_an_erasure_in_the_middle_of_a_replay_lets_nothing_come_back(town: Town) -> None:
    subject = town.person()
    await _take_in(town.reader, saved(subject, 1, POISON))
    [row] = await parked_rows(town.reader)
    town.behaviour.cured, town.behaviour.waits = True, True
    town.behaviour.entered.clear()
    replaying = asyncio.create_task(town.reader.replayer.replay(row.topic, str(subject)))
    await town.behaviour.entered.wait()
    erasing = asyncio.create_task(_take_in(town.reader, erasure(subject)))
    await asyncio.sleep(_A_WHILE)
    assert not erasing.done()
    town.behaviour.go_on.set()
    assert (await replaying).done == 1
    await erasing
    assert await arrivals(town.reader, subject) == []
    assert await parked_rows(town.reader) == []


async def test_many_erasures_and_reactions_of_crossing_people_never_wait_for_each_other_in_a_ring(town: Town) -> None:
    people = town.people(6)

    async def reactions(order: list[SubjectId]) -> None:
        await deliver(town.reader, saved(order[0], 1).topic, [saved(subject, 1) for subject in order])

    await reactions(people)
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(
            *(say(town.writer.database, subject) for subject in people),
            *(_take_in(town.writer, erasure(subject)) for subject in reversed(people)),
            reactions(list(reversed(people))),
            return_exceptions=True,
        )
    failures = {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)}
    # erased before, or another batch was first on the partition; and nobody waited until a lock timed out
    assert failures <= {SubjectGone, OffsetMoved}
    for subject in people:
        await _take_in(town.writer, erasure(subject))
        await _take_in(town.reader, erasure(subject))
        assert await arrivals(town.reader, subject) == []
    assert await _said(town.writer) == 0


@asynccontextmanager
async def _in_mid_transaction(
    service: Service, subject: SubjectId, act: Callable[[Transaction], Awaitable[object]]
) -> AsyncGenerator[None]:
    """A transaction that has acted and holds the person's row while the block runs, and commits when it ends."""
    acted, end = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with service.database.transaction([subject]) as tx:
            await act(tx)
            acted.set()
            await end.wait()

    holding = asyncio.create_task(hold())
    await acted.wait()
    yield
    end.set()
    await holding


async def _take_in(service: Service, event: Event) -> None:
    await deliver(service, event.topic, [event])


async def _said(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM said"))


async def _types_to_be_sent(service: Service) -> list[str]:
    async with borrow(service.database.pool) as connection:
        rows = await outbox.due(connection, 100)
    return [dict(row.headers)["ce_type"].decode() for row in rows]
