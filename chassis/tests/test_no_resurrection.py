"""Who is erased does not come back by what is late: each way in which systems of this kind revive people, by name."""

from datetime import timedelta

import pytest
from chassis.errors import SubjectGone
from chassis.reactions import BadReaction
from chassis.sql import borrow
from chassis.testing.services import surroundings
from chassis.transaction import Transaction
from contracts.personal import SubjectId
from contracts.privacy import ErasureRequested
from contracts.profile import DeletionReason, JobInterestSaved
from contracts.purposes import PurposeId

from chassis import housekeeping

from .claims import claimed
from .town import AT, CATEGORIES, POISON, Town, corrected, message, removed, saved


def request(subject: SubjectId) -> ErasureRequested:
    return ErasureRequested(
        subject_id=subject,
        erasure_id=subject,
        nonce="a nonce",
        reason=DeletionReason.REQUESTED,
        categories=CATEGORIES,
        requested_at=AT,
        due_at=AT,
    )


async def erase(town: Town, subject: SubjectId) -> None:
    await town.say(request(subject))
    town.keyring.destroy(subject, {str(category) for category in CATEGORIES})


async def nothing_is_left(town: Town, subject: SubjectId) -> bool:
    async with borrow(town.service.database.pool) as connection:
        there = await town.service.holder.residue(connection, subject, sorted(CATEGORIES))
        parked = await connection.fetchval("SELECT count(*) FROM parked WHERE subject_ids @> ARRAY[$1::uuid]", subject)
        work = await connection.fetchval("SELECT count(*) FROM work WHERE subject_id = $1", subject)
        answers = await connection.fetchval("SELECT count(*) FROM idempotency_keys WHERE subject_id = $1", subject)
    return there == {} and (parked, work, answers) == (0, 0, 0)


async def test_trap_1_a_late_or_reordered_event_makes_no_row_again(town: Town) -> None:
    subject = town.person()
    late = [town.sealed(event) for event in (corrected(subject), saved(subject, 2), removed(subject, 1))]
    await town.say(saved(subject, 1))
    await erase(town, subject)
    await town.take_in(*(town.record(event) for event in late))
    assert await nothing_is_left(town, subject)


async def test_trap_2_a_replay_from_the_first_offset_changes_nothing_whatever_the_inbox_forgot(town: Town) -> None:
    subject = town.person()
    events = [town.sealed(saved(subject, number)) for number in range(1, 5)]
    await town.take_in(*(town.record(event) for event in events))
    await erase(town, subject)
    async with borrow(town.service.database.pool) as connection:
        await connection.execute("DELETE FROM inbox")
        await connection.execute("DELETE FROM offsets")
    surroundings(town.service).sent.clear()
    await town.take_in(*(town.record(event) for event in events))
    assert await nothing_is_left(town, subject)


async def test_trap_3_an_outbox_row_from_before_is_sealed_with_a_key_that_is_gone_and_dropped_on_arrival(
    town: Town,
) -> None:
    subject = town.person()
    await town.say(saved(subject, 1))
    waiting_elsewhere = town.sealed(saved(subject, 3))
    await erase(town, subject)
    with pytest.raises(SubjectGone):
        async with town.service.database.transaction([subject]) as tx:
            tx.publish(message(subject))
    await town.take_in(town.record(waiting_elsewhere))
    assert await nothing_is_left(town, subject)


async def test_trap_4_a_redrive_weeks_later_finds_nothing_parked_and_runs_nothing(town: Town) -> None:
    subject = town.person()
    [record, *_] = await town.say(saved(subject, 1, POISON), saved(subject, 2))
    assert len(await town.parked([record])) == 1
    await erase(town, subject)
    town.clock.advance(timedelta(weeks=4))
    town.cured = True
    assert (await town.service.replayer.replay(record.topic, str(subject))).done == 0
    assert await nothing_is_left(town, subject)


async def test_trap_9_the_tombstone_meets_what_comes_on_the_last_day_that_anything_can(town: Town) -> None:
    subject = town.person()
    late = town.sealed(saved(subject, 1))
    await erase(town, subject)
    settings = town.service.settings
    town.clock.advance(settings.topic_window + settings.parked_window)
    await housekeeping.sweep(town.service, await claimed(town))
    await town.take_in(town.record(late))
    assert await nothing_is_left(town, subject)


async def test_trap_12_a_choice_that_is_given_again_revives_nothing_old(town: Town) -> None:
    subject = town.person()
    again = town.sealed(saved(subject, 2))
    await town.say(saved(subject, 1), removed(subject, 1))
    await erase(town, subject)
    await town.take_in(town.record(again))
    assert await nothing_is_left(town, subject)


async def test_nothing_but_the_tombstone_and_sealed_unsent_events_names_an_erased_person(town: Town) -> None:
    subject = town.person()
    await town.say(saved(subject, 1), saved(subject, 2, POISON))
    await erase(town, subject)
    async with borrow(town.service.database.pool) as connection:
        tables = await connection.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        naming: set[str] = set()
        for row in tables:
            found = await connection.fetchval(
                f"SELECT count(*) FROM {row['table_name']} t WHERE position($1 IN t::text) > 0", str(subject)
            )
            if found:
                naming.add(row["table_name"])
    assert naming == {"subjects", "outbox"}


async def test_what_others_say_is_read_again_anyhow_and_not_put_back_from_here(town: Town) -> None:
    async def nothing(event: JobInterestSaved, tx: Transaction) -> None:
        raise AssertionError(f"{event.type} in {tx}")

    with pytest.raises(BadReaction, match="not this service's own"):
        town.service.puts_back(JobInterestSaved, nothing, purpose=PurposeId.P4)
