"""What is parked runs again in its order and once, however often that is asked for; an erased person's is gone."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from chassis.errors import KeyringUnavailable
from chassis.park import park_bad_event, park_event
from chassis.records import Record, read
from chassis.replay import Replayed
from chassis.sql import borrow
from contracts.communication import MessageSent
from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.topics import PROFILE

from chassis import inbox, parked

from .town import AT, POISON, PROFILE_ONLY, Town, corrected, deletion, erasure, message, removed, saved


async def replay(town: Town, subject: SubjectId) -> Replayed:
    return await town.service.replayer.replay(PROFILE.name, str(subject))


async def someone_parked(town: Town, *events: int) -> tuple[SubjectId, list[Record]]:
    """Somebody of whom a poisonous event, and these behind it, are parked."""
    subject = town.person()
    records = await town.say(saved(subject, 0, POISON), *(saved(subject, number) for number in events))
    assert len(await town.parked(records)) == len(records)
    return subject, records


async def test_parked_events_run_again_in_order_once_what_failed_is_cured(town: Town) -> None:
    subject, records = await someone_parked(town, 1, 2, 3)
    town.cured = True
    assert await replay(town, subject) == Replayed(4)
    assert await town.kept(subject) == [0, 1, 2, 3]
    assert await town.answers(subject) == 4
    assert await town.parked(records) == []
    await town.say(removed(subject, 4))
    assert await town.kept(subject) == [0, 1, 2, 3, 4]


async def test_replay_stops_at_the_first_that_still_fails(town: Town) -> None:
    subject, records = await someone_parked(town, 1)
    assert await replay(town, subject) == Replayed(0, "Poisoned")
    assert await town.kept(subject) == []
    assert await town.answers(subject) == 0
    first, second = await town.parked(records)
    assert (first.reason, second.reason.split()[0]) == ("Poisoned", "waits")


async def test_what_ran_before_the_one_that_fails_stays_done(town: Town) -> None:
    subject = town.person()

    async def refuse(event: Event, tx: object) -> None:
        if event.key == str(subject):
            raise LookupError("private")

    town.disturb = refuse
    records = await town.say(saved(subject, 1), saved(subject, 2), saved(subject, 3, POISON), saved(subject, 4))
    town.disturb = None
    assert await replay(town, subject) == Replayed(2, "Poisoned")
    assert await town.kept(subject) == [1, 2]
    assert len(await town.parked(records)) == 2


async def test_replay_repeated_changes_nothing_more(town: Town) -> None:
    subject, _ = await someone_parked(town, 1)
    town.cured = True
    assert (await replay(town, subject)).done == 2
    assert await replay(town, subject) == Replayed(0)
    assert await town.kept(subject) == [0, 1]
    assert await town.answers(subject) == 2


async def test_replays_at_the_same_time_keep_the_order_and_run_each_once(town: Town) -> None:
    subject, _ = await someone_parked(town, *range(1, 12))
    town.cured = True
    await asyncio.gather(*(replay(town, subject) for _ in range(5)))
    assert await town.kept(subject) == list(range(12))
    assert await town.answers(subject) == 12


async def test_records_that_arrive_during_a_replay_come_after_it(town: Town) -> None:
    subject, _ = await someone_parked(town, *range(1, 8))
    town.cured = True
    late = [town.record(saved(subject, number)) for number in range(8, 12)]

    async def take_in() -> None:
        for record in late:
            await town.take_in(record)

    await asyncio.gather(replay(town, subject), take_in())
    await replay(town, subject)
    assert await town.kept(subject) == list(range(12))


async def test_a_replay_interrupted_by_the_surroundings_says_so_and_goes_on_later(town: Town) -> None:
    subject, records = await someone_parked(town, 1)
    town.cured = True
    town.service.keys.drop(subject, [])
    other = town.person()
    town.keyring.unavailable = True
    town.clock.advance(timedelta(minutes=6))
    with pytest.raises(KeyringUnavailable):
        await replay(town, subject)
    assert len(await town.parked(records)) == 2
    town.keyring.unavailable = False
    assert await replay(town, subject) == Replayed(2)
    assert await town.kept(other) == []


async def test_an_erased_persons_parked_rows_are_gone_and_replay_changes_nothing(town: Town) -> None:
    subject, records = await someone_parked(town, 1, 2)
    rest, untouched = await someone_parked(town, 1)
    await town.say(erasure(subject))
    assert await town.parked(records) == []
    assert len(await town.parked(untouched)) == 2
    town.cured = True
    assert await replay(town, subject) == Replayed(0)
    assert await town.kept(subject) == []
    assert rest != subject


async def test_a_row_restored_from_a_backup_after_the_erasure_changes_nothing(town: Town) -> None:
    subject, records = await someone_parked(town, 1)
    async with borrow(town.service.database.pool) as connection:
        backup = await connection.fetch(
            "SELECT topic, partition, record_offset, key, event_id, event_type, subject_ids, privacy_protocol, reason,"
            " record, encrypted, parked_at FROM parked WHERE key = $1 ORDER BY id",
            str(subject),
        )
    await town.say(erasure(subject))
    async with borrow(town.service.database.pool) as connection:
        for row in backup:
            await connection.execute(
                "INSERT INTO parked (topic, partition, record_offset, key, event_id, event_type, subject_ids,"
                " privacy_protocol, reason, record, encrypted, parked_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                *row.values(),
            )
    town.cured = True
    assert await replay(town, subject) == Replayed(2)
    assert await town.kept(subject) == []
    assert await town.parked(records) == []


async def test_a_parked_event_of_the_protocol_outlives_the_erasure_and_runs_again(town: Town) -> None:
    subject = town.person()

    async def refuse(event: Event, tx: object) -> None:
        raise LookupError

    town.disturb = refuse
    request = erasure(subject)
    records = await town.say(request)
    town.disturb = None
    [row] = await town.parked(records)
    assert row.event_type == request.type
    async with town.service.database.transaction(keys=()) as tx:
        assert await parked.erase(tx.connection, subject, frozenset(Category)) == 0
    assert await town.service.replayer.replay(records[0].topic, str(subject)) == Replayed(1)
    assert await town.published(subject) == ["personal.data.erased.v1"]


async def parked_aside(town: Town, *records: Record) -> None:
    """Good events whose reaction failed."""
    rows = [park_event(read(record), "it failed") for record in records]
    async with town.service.database.transaction(keys=()) as tx:
        await parked.insert(tx.connection, rows, AT)


async def test_an_erasure_leaves_parked_what_is_of_a_category_that_it_does_not_erase(town: Town) -> None:
    subject = town.person()
    profile, letter = town.record(corrected(subject)), town.record(message(subject))
    await parked_aside(town, profile, letter)
    await town.say(erasure(subject, PROFILE_ONLY))
    assert [row.event_type for row in await town.parked([profile, letter])] == [MessageSent.type]
    await town.say(erasure(subject))
    assert await town.parked([profile, letter]) == []


async def test_an_erasure_deletes_what_is_parked_under_a_type_that_this_version_does_not_know(town: Town) -> None:
    subject = town.person()
    record = town.record(message(subject))
    row = replace(park_event(read(record), "it failed"), event_type="message.recalled.v1")
    async with town.service.database.transaction(keys=()) as tx:
        await parked.insert(tx.connection, [row], AT)
    await town.say(erasure(subject, PROFILE_ONLY))
    assert await town.parked([record]) == []


async def test_an_erasure_deletes_what_is_no_good_event_whatever_category_its_type_names(town: Town) -> None:
    subject = town.person()
    record = town.record(message(subject))
    await unreadable_when_they_came(town, record)
    await town.say(erasure(subject, PROFILE_ONLY))
    assert await town.parked([record]) == []


async def test_replay_obeys_a_restriction_that_came_after_the_event(town: Town) -> None:
    subject = town.person()
    records = await town.say(saved(subject, 1, POISON), corrected(subject), saved(subject, 2))
    await town.say(deletion(subject))
    town.cured = True
    assert await replay(town, subject) == Replayed(3)
    assert await town.kept(subject) == [1, 2]
    assert await town.parked(records) == []


async def test_a_record_of_a_later_schema_runs_once_this_version_knows_it(town: Town) -> None:
    """As it stands in the store once the service was updated: encrypted, and of a form that is known by now."""
    subject = town.person()
    early = town.record(removed(subject, 1))
    behind = town.record(removed(subject, 2))
    row = park_bad_event(read(early), "removed.v1: unknown field: extra_forbidden", town.service.own_key)
    async with town.service.database.transaction(keys=()) as tx:
        await parked.insert(tx.connection, [row], AT)
    await town.take_in(behind)
    assert await town.kept(subject) == []
    assert await replay(town, subject) == Replayed(2)
    assert await town.kept(subject) == [1, 2]


async def unreadable_when_they_came(town: Town, *records: Record) -> None:
    """Parked by an earlier version, which did not know their form."""
    rows = [park_bad_event(read(record), "unknown field: extra_forbidden", town.service.own_key) for record in records]
    async with town.service.database.transaction(keys=()) as tx:
        await parked.insert(tx.connection, rows, AT)


async def test_records_of_a_later_schema_that_were_sent_twice_run_once_in_their_order(town: Town) -> None:
    subject = town.person()
    first, second = town.sealed(removed(subject, 1)), town.sealed(removed(subject, 2))
    copies = [town.record(sealed) for sealed in (first, first, second, first, second)]
    await unreadable_when_they_came(town, *copies[:2])
    await town.take_in(*copies[2:])
    assert len(await town.parked(copies)) == 4
    await replay(town, subject)
    assert await town.kept(subject) == [1, 2]
    assert await town.parked(copies) == []


async def test_a_record_of_the_protocol_whose_repeat_ran_already_does_not_run_again(town: Town) -> None:
    subject = town.person()
    sealed = town.sealed(erasure(subject))
    copies = [town.record(sealed) for _ in range(3)]
    await unreadable_when_they_came(town, *copies[:2])
    await town.take_in(copies[2])
    assert await town.published(subject) == ["personal.data.erased.v1"]
    await town.service.replayer.replay(sealed.topic, str(subject))
    assert await town.published(subject) == ["personal.data.erased.v1"]
    assert await town.parked(copies) == []


async def test_a_bad_record_keeps_its_place_and_its_reason_until_it_is_known(town: Town) -> None:
    subject = town.person()
    bad = town.record(removed(subject, 1))._replace(value=b"{}")
    await town.take_in(bad)
    before = await town.parked([bad])
    assert (await replay(town, subject)).done == 0
    assert await town.parked([bad]) == before


async def test_a_record_encrypted_under_another_service_key_says_so(town: Town) -> None:
    subject = town.person()
    bad = town.record(removed(subject, 1))._replace(value=b"{}")
    await town.take_in(bad)
    [row] = await town.parked([bad])
    async with borrow(town.service.database.pool) as connection:
        await connection.execute("UPDATE parked SET record = $2 WHERE id = $1", row.id, b"\0" * 60)
    stopped = await replay(town, subject)
    assert stopped == Replayed(0, "not encrypted under this service's own key: was the service key replaced?")


async def test_an_operator_sees_what_can_be_replayed_page_by_page(town: Town) -> None:
    subject, records = await someone_parked(town, 1, 2)
    ids = [row.id for row in await town.parked(records)]
    async with borrow(town.service.database.pool) as connection:
        assert (PROFILE.name, str(subject)) in await parked.keys_with_events(connection)
        page = await parked.page(connection, ids[0] - 1, 2)
        assert [row.id for row in page] == ids[:2]
        assert (await parked.count_by_topic(connection))[PROFILE.name] <= await parked.count(connection)


async def test_what_stands_longer_than_the_window_is_dropped(town: Town) -> None:
    subject = town.person()
    old = park_bad_event(read(town.record(removed(subject, 1))), "old", town.service.own_key)
    async with town.service.database.transaction(keys=()) as tx:
        await parked.insert(tx.connection, [old], AT - timedelta(days=900))
        assert await parked.forget(tx.connection, AT - timedelta(days=800), 10) == 1


async def test_a_parked_row_in_the_clear_always_names_its_event(town: Town) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="unreadable_is_encrypted"):
        async with town.service.database.transaction(keys=()) as tx:
            await tx.execute(
                "INSERT INTO parked (topic, partition, record_offset, reason, record, encrypted, parked_at)"
                " VALUES ($1, 0, 0, 'none', ''::bytea, false, $2)",
                str(uuid4()),
                AT,
            )


async def test_a_parked_event_is_in_the_inbox_so_that_its_repeat_is_dropped(town: Town) -> None:
    subject, records = await someone_parked(town)
    event_id = read(records[0]).envelope.id
    async with town.service.database.transaction(keys=()) as tx:
        assert await inbox.add_new(tx.connection, [event_id], AT) == set()
    assert subject
