"""A batch changes the service once, whatever dies in the middle; what can't run is parked, and holds back its key only."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from uuid import UUID, uuid4

import asyncpg
import pytest
from chassis.errors import TRANSIENT, KeyringUnavailable, OffsetMoved
from chassis.offsets import Advance
from chassis.outbox import OutgoingEvent
from chassis.records import Record
from chassis.sql import borrow
from chassis.transaction import Transaction
from contracts.event import Event
from contracts.personal import Category, SubjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import offsets

from .town import (
    CANARY,
    POISON,
    Town,
    advert,
    cancellation,
    corrected,
    deletion,
    erased,
    erasure,
    message,
    removed,
    saved,
)

Disturbance = Callable[[Event, Transaction], Awaitable[None]]


def dies_at(number: int, how: str) -> Disturbance:
    """A reaction whose `number`-th run meets trouble of the surroundings; later ones do not."""
    runs = 0

    async def die(event: Event, tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        if runs != number:
            return
        if how == "session ended":
            await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        if how == "deadlock":
            raise asyncpg.DeadlockDetectedError("a deadlock")
        raise ConnectionResetError("the network")

    return die


async def taken_in_whatever_happens(town: Town, records: list[Record]) -> None:
    """As the consumer does: after trouble of the surroundings the same batch again."""
    for _ in range(3):
        with suppress(*TRANSIENT):
            await town.take_in(*records)
            return
    pytest.fail("the trouble did not pass")


deliveries = st.lists(
    st.tuples(
        st.lists(st.integers(0, 11), min_size=1, max_size=8),
        st.one_of(
            st.none(),
            st.tuples(st.integers(1, 8), st.sampled_from(["session ended", "deadlock", "network"])),
        ),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20, deadline=None)
@given(deliveries=deliveries)
async def test_effects_are_exactly_once_under_any_redelivery_and_any_crash(
    shared_town: Town, deliveries: list[tuple[list[int], tuple[int, str] | None]]
) -> None:
    people = [shared_town.person() for _ in range(3)]
    pool: list[tuple[SubjectId, int, OutgoingEvent]] = []
    for number in range(12):
        subject = people[number % 3]
        event = saved(subject, number) if number % 2 else removed(subject, number)
        pool.append((subject, number, shared_town.sealed(event)))
    model: dict[SubjectId, list[int]] = {subject: [] for subject in people}
    for places, trouble in deliveries:
        shared_town.disturb = dies_at(*trouble) if trouble is not None else None
        try:
            await taken_in_whatever_happens(shared_town, [shared_town.record(pool[place][2]) for place in places])
        finally:
            shared_town.disturb = None
        for place in places:
            subject, number, _ = pool[place]
            if number not in model[subject]:
                model[subject].append(number)
    for subject, numbers in model.items():
        assert await shared_town.kept(subject) == numbers
        assert await shared_town.answers(subject) == sum(number % 2 for number in numbers)


async def test_a_batch_rolls_back_whole_when_another_worker_was_faster(town: Town) -> None:
    subject = town.person()
    first, second = town.record(saved(subject, 1)), town.record(saved(subject, 2))
    await town.take_in(first)
    stale = [Advance(second.partition, first.offset, second.offset + 1)]
    with pytest.raises(OffsetMoved):
        await town.service.runner.run(second.topic, [second], stale)
    assert await town.kept(subject) == [1]
    assert await town.answers(subject) == 1
    await town.take_in(second)
    assert await town.kept(subject) == [1, 2]


async def test_offsets_move_with_the_batch_even_when_nobody_reacts(town: Town) -> None:
    subject = town.person()
    record = town.record(message(subject))
    await town.take_in(record)
    async with borrow(town.service.database.pool) as connection:
        stand = await offsets.read(connection, record.topic, [record.partition])
    assert stand == {record.partition: record.offset + 1}
    assert await town.parked([record]) == []


async def test_an_unknown_type_is_skipped_and_counted(town: Town) -> None:
    subject = town.person()
    known = town.record(removed(subject, 1))
    unknown = known._replace(headers=[(n, b"person.praised.v7" if n == "ce_type" else v) for n, v in known.headers])
    labels = {"topic": known.topic, "reason": "unknown type"}
    registry = town.service.metrics.registry
    before = registry.get_sample_value("tillit_events_skipped_total", labels) or 0
    await town.take_in(unknown)
    assert registry.get_sample_value("tillit_events_skipped_total", labels) == before + 1
    assert await town.kept(subject) == []
    assert await town.parked([unknown]) == []


async def test_a_failing_event_is_parked_and_those_of_its_key_wait_behind_it_in_order(town: Town) -> None:
    ill, well = town.person(), town.person()
    first = await town.say(saved(ill, 1), saved(well, 1), saved(ill, 2, POISON), saved(well, 2), saved(ill, 3))
    later = await town.say(removed(ill, 4), removed(well, 4))
    assert await town.kept(ill) == [1]
    assert await town.kept(well) == [1, 2, 4]
    assert (await town.answers(ill), await town.answers(well)) == (1, 2)
    rows = await town.parked([*first, *later])
    assert [(row.offset, row.key) for row in rows] == [
        (record.offset, str(ill)) for record in (first[2], first[4], later[0])
    ]
    assert rows[0].reason == "Poisoned"
    assert rows[1].reason == f"waits behind {first[2].topic}/{first[2].partition}/{first[2].offset}"
    assert rows[2].reason == f"waits behind parked record {rows[0].id}"


async def test_a_parked_event_holds_no_personal_data_in_any_column(town: Town) -> None:
    [record] = await town.say(saved(town.person(), 1, POISON))
    [row] = await town.parked([record])
    everything = await town.parked_bytes(row)
    for personal in (POISON, CANARY):
        assert personal.encode() not in everything
    assert not row.encrypted
    assert (await town.restored(row)).value == record.value


async def test_a_redelivered_parked_event_is_not_parked_twice(town: Town) -> None:
    subject = town.person()
    sealed = town.sealed(saved(subject, 1, POISON))
    records = [town.record(sealed), town.record(sealed)]
    await town.take_in(records[0])
    await town.take_in(records[1], town.record(sealed))
    assert len(await town.parked(records)) == 1


async def test_the_privacy_protocol_never_waits_behind_a_parked_event(town: Town) -> None:
    subject = town.person()
    records = await town.say(saved(subject, 1, POISON), deletion(subject), corrected(subject))
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert tx.state(subject).restricted
    assert [row.event_type for row in await town.parked(records)] == [saved(subject, 1).type, corrected(subject).type]
    await town.say(cancellation(subject))
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert not tx.state(subject).restricted


async def test_an_erased_persons_events_change_nothing(town: Town) -> None:
    subject = town.person()
    late = [town.sealed(saved(subject, 2)), town.sealed(removed(subject, 3)), town.sealed(corrected(subject))]
    await town.say(saved(subject, 1))
    await town.say(erasure(subject))
    records = [town.record(event) for event in late]
    await town.take_in(*records)
    assert await town.kept(subject) == []
    assert await town.parked(records) == []
    assert set(await town.published(subject)) == {"message.sent.v1", "personal.data.erased.v1"}


async def test_a_restricted_persons_events_are_stored_and_not_used(town: Town) -> None:
    subject = town.person()
    await town.say(deletion(subject), saved(subject, 1), corrected(subject), removed(subject, 2))
    assert await town.kept(subject) == [1, 2]
    await town.say(cancellation(subject), corrected(subject))
    assert await town.kept(subject) == [1, 2, 0]


async def test_a_state_that_an_event_changes_is_seen_by_later_ones_of_its_batch(town: Town) -> None:
    subject = town.person()
    await town.say(corrected(subject), deletion(subject), corrected(subject), cancellation(subject))
    assert await town.kept(subject) == [0]


async def test_an_erasure_of_another_category_stops_nothing_of_this_one(town: Town) -> None:
    subject = town.person()
    await town.say(erasure(subject, frozenset({Category.COMMUNICATION})))
    town.service.keys.drop(subject, [Category.COMMUNICATION])
    await town.say(removed(subject, 5))
    assert await town.kept(subject) == [5]


async def test_an_event_whose_key_is_gone_reads_as_erased_and_stalls_nobody(town: Town) -> None:
    subject, other = town.person(), town.person()
    late = town.record(town.sealed(corrected(subject)))
    town.keyring.destroy(subject, [Category.USER_INFORMATION])
    town.service.keys.drop(subject, [Category.USER_INFORMATION])
    await town.take_in(late, town.record(removed(other, 1)))
    assert await town.kept(subject) == [0]
    assert await town.kept(other) == [1]


async def test_erasing_and_announcing_it_twice_answers_each_request_once(town: Town) -> None:
    subject = town.person()
    request = town.sealed(erasure(subject))
    await town.take_in(town.record(request), town.record(request))
    await town.say(erased(subject), erased(subject))
    assert await town.published(subject) == ["personal.data.erased.v1"]
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert tx.state(subject).is_erased(Category.USER_INFORMATION)


async def test_a_batch_reaction_falls_back_to_one_by_one_when_one_event_fails(town: Town) -> None:
    people = [town.person() for _ in range(5)]

    async def refuse_the_third(event: Event, tx: Transaction) -> None:
        if event.key == str(people[2]):
            raise LookupError(CANARY)

    town.disturb = refuse_the_third
    town.batches.clear()
    records = await town.say(*(removed(person, 1) for person in people))
    assert town.batches == [5, 1, 1, 1, 1, 1]
    assert [await town.kept(person) for person in people] == [[1], [1], [], [1], [1]]
    [row] = await town.parked(records)
    assert (row.key, row.reason) == (str(people[2]), "LookupError")


async def test_a_number_too_large_for_its_column_is_parked_and_not_tried_for_ever(town: Town) -> None:
    position, other = uuid4(), uuid4()
    records = await town.say(advert(position, place=str(2**40)), advert(other))
    [row] = await town.parked(records)
    assert row.key == str(position)
    assert (await town.titles(position), len(await town.titles(other))) == ([], 1)


async def test_without_the_keyring_nothing_is_taken_in_and_nothing_is_lost(town: Town) -> None:
    subject = town.person()
    record = town.record(saved(subject, 1))
    town.keyring.unavailable = True
    with pytest.raises(KeyringUnavailable, match="the keyring answered 503"):
        await town.take_in(record)
    assert await town.kept(subject) == []
    town.keyring.unavailable = False
    await town.take_in(record)
    assert await town.kept(subject) == [1]


async def test_without_the_keyring_the_privacy_protocol_and_events_about_nobody_go_on(town: Town) -> None:
    subject, position = SubjectId(uuid4()), uuid4()
    records = [town.record(event) for event in (deletion(subject), advert(position))]
    await town.service.keys.fetch([])
    town.keyring.unavailable = True
    for record in records:
        await town.take_in(record)
    assert len(await town.titles(position)) == 1
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert tx.state(subject).restricted


async def test_what_a_batch_reaction_publishes_is_not_said_to_follow_from_another_event(town: Town) -> None:
    one, other = town.person(), town.person()
    causes: list[UUID | None] = []

    async def note(event: Event, tx: Transaction) -> None:
        if event.type == removed(other, 1).type:
            causes.append(tx.cause.event_id)

    town.disturb = note
    await town.say(saved(one, 1), removed(other, 1))
    assert causes == [None]
