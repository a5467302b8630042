"""A failing event stands aside with what follows of its key; everybody else goes on; replay is in order and repeatable."""

import asyncio

from chassis.sql import borrow
from chassis.testing.services import deliver, deliver_sealed, running
from contracts.topics import PROFILE

from chassis import outbox
from tests.integration.hostile import sealed, send_event
from tests.integration.reader import POISON, arrivals
from tests.integration.town import Town, eventually, parked_rows
from tests.integration.writer import corrected, deletion, erasure, publish, removed, saved, say


async def test_poison_is_parked_later_events_of_its_key_wait_in_order_and_other_keys_go_on(town: Town) -> None:
    poisoned, *others = town.people(5)
    async with running(town.writer), running(town.reader):
        await say(town.writer.database, poisoned)
        await say(town.writer.database, poisoned, POISON)
        for _ in range(10):
            for subject in (poisoned, *others):
                await say(town.writer.database, subject)
        for subject in others:
            await eventually(
                "the others", lambda subject=subject: arrivals(town.reader, subject), lambda found: len(found) == 10
            )
        rows = await eventually("what waits", lambda: parked_rows(town.reader), lambda found: len(found) == 11)
        assert await arrivals(town.reader, poisoned) == [1]
        assert {row.key for row in rows} == {str(poisoned)}
        assert [row.reason.partition(" ")[0] for row in rows] == ["Poisoned", *["waits"] * 10]

        await say(town.writer.database, poisoned, POISON)
        await eventually("one more", lambda: parked_rows(town.reader), lambda found: len(found) == 12)
        topic = town.prefix + PROFILE.name
        assert (await town.reader.replayer.replay(topic, str(poisoned))).done == 0
        assert len(await parked_rows(town.reader)) == 12

        town.behaviour.cured = True
        replays = await asyncio.gather(*(town.reader.replayer.replay(topic, str(poisoned)) for _ in range(3)))
        assert sum(replay.done for replay in replays) >= 12
        assert await arrivals(town.reader, poisoned) == list(range(1, 14))
        assert (await town.reader.replayer.replay(topic, str(poisoned))).done == 0
        await say(town.writer.database, poisoned)
        await eventually("the next", lambda: arrivals(town.reader, poisoned), lambda found: found[-1] == 14)
    assert await arrivals(town.reader, poisoned) == list(range(1, 15))


async def test_replay_beside_a_running_consumer_keeps_the_order_of_its_key(town: Town) -> None:
    subject = town.person()
    async with running(town.writer), running(town.reader):
        await say(town.writer.database, subject, POISON)
        await eventually("the poison", lambda: parked_rows(town.reader), lambda found: len(found) == 1)
        town.behaviour.cured = True

        async def write() -> None:
            for _ in range(40):
                await say(town.writer.database, subject)

        async def replay() -> None:
            while await parked_rows(town.reader):
                await town.reader.replayer.replay(town.prefix + PROFILE.name, str(subject))

        await asyncio.gather(write(), replay())
        numbers = await eventually(
            "all of them", lambda: arrivals(town.reader, subject), lambda found: len(found) == 41
        )
    assert numbers == list(range(1, 42))


async def test_an_event_parked_and_redelivered_is_parked_once_and_runs_once(town: Town) -> None:
    subject = town.person()
    bad = sealed(town, saved(subject, 1, POISON))
    async with running(town.reader):
        for _ in range(3):
            await send_event(town, bad)
        other = town.person()
        await send_event(town, sealed(town, saved(other, 1)))
        await eventually("the event behind them", lambda: arrivals(town.reader, other), lambda found: found == [1])
        [row] = await parked_rows(town.reader)
        town.behaviour.cured = True
        assert (await town.reader.replayer.replay(row.topic, str(subject))).done == 1
        await send_event(town, bad)
        await send_event(town, sealed(town, saved(other, 2)))
        await eventually("the next behind it", lambda: arrivals(town.reader, other), lambda found: found == [1, 2])
    assert await arrivals(town.reader, subject) == [1]
    assert await parked_rows(town.reader) == []


async def test_the_privacy_protocol_waits_behind_no_parked_event(town: Town) -> None:
    subject = town.person()
    async with running(town.writer), running(town.reader):
        await say(town.writer.database, subject, POISON)
        await eventually("the poison", lambda: parked_rows(town.reader), lambda found: len(found) == 1)
        await publish(town.writer.database, deletion(subject))
        await eventually("the restriction", lambda: town.is_restricted(subject), bool)
        assert len(await parked_rows(town.reader)) == 1


async def test_erasure_deletes_what_is_parked_and_a_replay_brings_nothing_back(town: Town) -> None:
    subject, other = town.people(2)
    await deliver(town.reader, PROFILE, [saved(subject, 1, POISON), saved(subject, 2), saved(other, 1, POISON)])
    assert len(await parked_rows(town.reader)) == 3
    event = erasure(subject)
    await deliver(town.reader, event.topic, [event])
    [row] = await parked_rows(town.reader)
    assert row.key == str(other)
    town.behaviour.cured = True
    assert (await town.reader.replayer.replay(town.prefix + PROFILE.name, str(subject))).done == 0
    assert await arrivals(town.reader, subject) == []


async def test_a_late_or_repeated_event_about_an_erased_person_changes_nothing(town: Town) -> None:
    subject = town.person()
    late = [sealed(town, event) for event in (saved(subject, 1), removed(subject, 2), corrected(subject))]
    event = erasure(subject)
    async with running(town.reader):
        await send_event(town, late[0])
        await eventually("the first", lambda: arrivals(town.reader, subject), lambda found: found == [1])
        await deliver(town.reader, event.topic, [event])
        town.keyring.destroy(subject, {"user_information", "communication"})
        for again in (*late, *late):
            await send_event(town, again)
        other = town.person()
        await send_event(town, sealed(town, saved(other, 1)))
        await eventually("the event behind them", lambda: arrivals(town.reader, other), lambda found: found == [1])
    assert await arrivals(town.reader, subject) == []
    assert await parked_rows(town.reader) == []


async def test_a_restricted_persons_events_are_stored_and_not_used(town: Town) -> None:
    subject = town.person()
    await deliver(town.reader, PROFILE, [corrected(subject), deletion(subject), saved(subject, 1), corrected(subject)])
    assert await arrivals(town.reader, subject) == [0, 1]


async def test_a_bad_record_about_an_erased_person_is_not_parked_again_by_a_redelivery(town: Town) -> None:
    subject = town.person()
    good = sealed(town, saved(subject, 1))
    bad = good._replace(body=good.body[:-1] + b', "name": "Kari"}')
    await deliver_sealed(town.reader, [bad])
    assert len(await parked_rows(town.reader)) == 1
    event = erasure(subject)
    await deliver(town.reader, event.topic, [event])
    await deliver_sealed(town.reader, [bad, bad])
    assert await parked_rows(town.reader) == []


async def test_what_a_reaction_publishes_names_the_event_that_caused_it_in_batches_too(town: Town) -> None:
    town.behaviour.tells = True
    one, two = town.people(2)
    causes = await deliver(town.reader, PROFILE, [saved(one, 1), removed(two, 1), removed(one, 2)])
    async with borrow(town.reader.database.pool) as connection:
        rows = await outbox.due(connection, 10)
    assert {dict(row.headers)["ce_causationid"].decode() for row in rows} == {str(cause) for cause in causes}
