"""A database from the past is noticed, and nothing is served, sent or done from it before it knows what it forgot."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from chassis.clock import SystemClock
from chassis.recoveries import Sign
from chassis.recovery import CatchUp
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import running
from chassis.topic_offsets import committed_offsets, extent
from contracts.personal import SubjectId

from chassis import offsets, recoveries
from tests.integration.reader import arrivals, done
from tests.integration.snapshots import Snapshot
from tests.integration.town import Town, eventually, parked_rows, waiting_to_be_sent
from tests.integration.writer import CATEGORIES, deletion, erasure, publish, say


async def told(town: Town, *people: SubjectId, times: int = 1) -> None:
    """Something is said about each, so many times, and reaches the reader."""
    for subject in people:
        before = len(await arrivals(town.reader, subject))
        for _ in range(times):
            await say(town.writer.database, subject)
        await eventually(
            "all arrivals",
            lambda subject=subject: arrivals(town.reader, subject),
            lambda found, wanted=before + times: len(found) == wanted,
        )


async def erase_everywhere(town: Town, subject: SubjectId) -> None:
    """As retention has it done: each holder erases and answers, the keys are destroyed."""
    for service in (town.writer, town.reader):
        async with service.database.transaction([subject]) as tx:
            await service.holder.erase(erasure(subject), tx)
    town.keyring.destroy(subject, {str(category) for category in CATEGORIES})
    town.keyring.erasures.append(erasure(subject))


async def committed(town: Town) -> Mapping[TopicPartition, int]:
    found = await committed_offsets(town.kafka.bootstrap, town.reader.groups())
    return {place: offset for group in found.values() for place, offset in group.items()}


async def known(service: Service) -> dict[TopicPartition, int]:
    async with borrow(service.database.pool) as connection:
        return {TopicPartition(*place): offset for place, offset in (await offsets.all_of(connection)).items()}


async def told_kafka(town: Town) -> None:
    """Kafka has been told of all that the reader took in."""

    async def behind() -> int:
        told, stand = await committed(town), await known(town.reader)
        return sum(offset - told.get(place, 0) for place, offset in stand.items())

    await eventually("Kafka's offsets to follow", behind, lambda missing: missing == 0)


async def recovering(service: Service) -> recoveries.Recovery | None:
    async with borrow(service.database.pool) as connection:
        return await recoveries.open_one(connection)


async def how_it_was_noticed(service: Service) -> list[str]:
    async with borrow(service.database.pool) as connection:
        rows = await connection.fetch("SELECT sign FROM recoveries WHERE done_at IS NOT NULL ORDER BY number")
    return [row["sign"] for row in rows]


@asynccontextmanager
async def restored(town: Town, *, leaver: SubjectId, stayer: SubjectId) -> AsyncGenerator[Service]:
    """The reader's database was put back to before `leaver` was erased and `stayer` said more. It is not running."""
    async with running(town.writer):
        async with running(town.reader):
            await told(town, leaver, stayer, times=3)
        backup = await Snapshot.of(town.reader)
        again = town.another_reader()
        async with running(again):
            await told(town, stayer, times=4)
            await erase_everywhere(town, leaver)
            await told_kafka(town)
        await backup.put_back(town.reader)
        assert await arrivals(town.reader, leaver) == [1, 2, 3]
        yield town.another_reader()


async def test_it_is_noticed_by_what_kafka_was_told_and_ready_only_when_nothing_is_missing(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with restored(town, leaver=leaver, stayer=stayer) as again, running(again):
        assert await arrivals(again, leaver) == []
        assert await arrivals(again, stayer) == [1, 2, 3, 4, 5, 6, 7]
        assert await recovering(again) is None
        assert await how_it_was_noticed(again) == [Sign.OFFSETS]
        async with again.database.transaction([leaver], keys=()) as tx:
            assert tx.state(leaver).erased == CATEGORIES


async def test_erasures_are_asked_for_since_the_last_sign_of_life_and_some_more_for_clocks(town: Town) -> None:
    leaver, stayer = town.people(2)
    began = SystemClock().now()
    async with restored(town, leaver=leaver, stayer=stayer) as again, running(again):
        [moment] = town.keyring.asked_since
        assert began - timedelta(hours=1, minutes=5) < moment < began


async def test_more_erasures_than_one_page_are_carried_out_again(town: Town) -> None:
    leavers, stayer = town.people(5), town.person()
    async with running(town.writer):
        async with running(town.reader):
            await told(town, *leavers, stayer)
        backup = await Snapshot.of(town.reader)
        again = town.another_reader()
        async with running(again):
            await told(town, stayer)
            for leaver in leavers:
                await erase_everywhere(town, leaver)
            await told_kafka(town)
        await backup.put_back(town.reader)
        async with running(town.another_reader()):
            assert [await arrivals(town.reader, leaver) for leaver in leavers] == [[]] * 5


async def test_until_retention_tells_the_erasures_it_is_not_ready_reads_nothing_and_does_no_work(town: Town) -> None:
    town.behaviour.tells = True
    leaver, stayer = town.people(2)
    async with running(town.writer):
        async with running(town.reader):
            await told(town, leaver, stayer)
        async with town.reader.database.transaction([leaver]) as tx:
            tx.enqueue("tell", f"{leaver}/77", subject=leaver)
        backup = await Snapshot.of(town.reader)
        again = town.another_reader()
        async with running(again):
            await told(town, stayer)
            await erase_everywhere(town, leaver)
            await told_kafka(town)
        await backup.put_back(town.reader)
        town.keyring.unavailable = True
        recovered = town.another_reader()
        starting = asyncio.create_task(_until_ended(recovered, leaver))
        stage = await eventually("it to be noticed", lambda: _stage(town.reader), bool)
        await eventually("the erasures to be asked for", _asked(town), lambda times: times >= 2)
        assert not starting.done()
        assert stage in ("setting Kafka's committed offsets back", "applying the erasures since again")
        report = await recovered.health.ready()
        assert (report.ok, report.parts["caught up after a restore"]) == (False, False)
        assert await arrivals(town.reader, stayer) == [1]
        town.keyring.unavailable = False
        assert await starting == ([], [])


async def test_kafkas_offsets_go_back_before_erasures_are_asked_for_so_that_no_fence_passes(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with restored(town, leaver=leaver, stayer=stayer) as again:
        town.keyring.unavailable = True
        stand = await known(town.reader)
        assert any(offset > stand.get(place, 0) for place, offset in (await committed(town)).items())
        starting = asyncio.create_task(_until_ended(again, leaver))
        await eventually("the erasures to be asked for", _asked(town), lambda times: times >= 1)
        assert all(offset <= stand.get(place, 0) for place, offset in (await committed(town)).items())
        town.keyring.unavailable = False
        await starting


async def test_who_restored_it_may_write_so_into_it_and_needs_no_other_sign(town: Town) -> None:
    leaver = town.person()
    async with running(town.writer), running(town.reader):
        await told(town, leaver)
    town.keyring.erasures.append(erasure(leaver))
    async with town.reader.database.transaction(keys=()) as tx:
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(days=2), tx.now())
    again = town.another_reader()
    async with running(again):
        assert await arrivals(again, leaver) == []
        assert await how_it_was_noticed(again) == [Sign.TOLD]


async def test_a_database_that_is_put_back_to_the_middle_of_a_recovery_is_noticed_and_recovers_anew(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with running(town.writer):
        async with running(town.reader):
            await told(town, leaver, stayer)
        async with town.reader.database.transaction(keys=()) as tx:
            await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(days=2), tx.now())
            await recoveries.sought(tx.connection, tx.now())
            await recoveries.reapplied(tx.connection, tx.now())
        backup = await Snapshot.of(town.reader)
        later = town.another_reader()
        async with running(later):
            await told(town, stayer)
            await erase_everywhere(town, leaver)
            await told_kafka(town)
        await backup.put_back(town.reader)
        again = town.another_reader()
        async with running(again):
            assert await arrivals(again, leaver) == []
            assert len(await arrivals(again, stayer)) == 2


async def test_what_another_worker_takes_in_while_one_looks_is_no_sign_of_a_restore(town: Town) -> None:
    subject = town.person()
    async with running(town.writer), running(town.reader):
        talking = asyncio.create_task(told(town, subject, times=300))
        while not talking.done():
            assert not await CatchUp(town.reader).begin()
        await talking
    assert await recovering(town.reader) is None


async def test_a_recovery_that_takes_days_and_is_begun_anew_does_not_make_the_database_too_old(town: Town) -> None:
    leaver, window = town.person(), town.reader.settings.tombstone_window
    async with running(town.writer), running(town.reader):
        await told(town, leaver)
    town.keyring.erasures.append(erasure(leaver))
    async with town.reader.database.transaction(keys=()) as tx:
        noticed = tx.now() - timedelta(days=3)
        await recoveries.begin(tx.connection, Sign.TOLD, noticed - window + timedelta(hours=1), noticed)
    again = town.another_reader()
    async with running(again):
        assert await arrivals(again, leaver) == []
        assert await how_it_was_noticed(again) == [Sign.TOLD]


async def test_a_process_that_only_serves_is_not_ready_either_until_a_worker_has_caught_up(town: Town) -> None:
    async with town.reader.database.transaction(keys=()) as tx:
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(days=2), tx.now())
    town.keyring.unavailable = True
    serving, working = town.another_reader(), town.another_reader()
    ready = asyncio.create_task(_until_ended(serving, town.person(), "api"))
    await eventually("it to say so", lambda: _says_so(serving), bool)
    assert not ready.done()
    town.keyring.unavailable = False
    async with running(working):
        await ready


async def test_a_killed_recovery_goes_on_in_the_next_process(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with restored(town, leaver=leaver, stayer=stayer) as first:
        town.keyring.unavailable = True
        killed = asyncio.create_task(_until_ended(first, leaver))
        await eventually("the erasures to be asked for", _asked(town), lambda times: times >= 1)
        killed.cancel()
        await asyncio.wait({killed})
        town.keyring.unavailable = False
        async with running(town.another_reader()):
            assert await arrivals(town.reader, leaver) == []
            assert await arrivals(town.reader, stayer) == [1, 2, 3, 4, 5, 6, 7]


async def test_a_database_older_than_the_tombstones_of_the_others_is_refused_with_the_reason(town: Town) -> None:
    async with town.reader.database.transaction(keys=()) as tx:
        window = town.reader.settings.tombstone_window
        await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - window - timedelta(hours=1), tx.now())
    again = town.another_reader()
    starting = asyncio.create_task(_until_ended(again, town.person()))
    await eventually("the reason", lambda: _stage(town.reader), lambda why: why is not None and "90 days" in why)
    assert not starting.done()
    starting.cancel()
    await asyncio.wait({starting})


async def test_a_service_away_for_longer_than_its_topics_asks_which_erasures_it_missed_and_goes_on(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with running(town.writer):
        async with running(town.reader):
            await told(town, leaver, stayer)
            await told_kafka(town)
        await say(town.writer.database, stayer)
        await publish(town.writer.database, deletion(leaver))
        await eventually("an empty outbox", lambda: waiting_to_be_sent(town.writer), lambda rows: rows == 0)
        town.keyring.erasures.append(erasure(leaver))
        await _records_go(town)
        again = town.another_reader()
        async with running(again):
            assert await arrivals(again, leaver) == []
            assert await how_it_was_noticed(again) == [Sign.RECORDS_GONE]
            await say(town.writer.database, stayer)
            await eventually("the next", lambda: arrivals(again, stayer), lambda found: found == [1, 3])


async def test_a_database_that_is_restored_again_before_it_caught_up_is_noticed_again(town: Town) -> None:
    """Kafka's offsets were set back by then, and its own note of the recovery is gone: found by `tests/proofs`."""
    leaver, stayer = town.people(2)
    async with restored(town, leaver=leaver, stayer=stayer):
        backup = await Snapshot.of(town.reader)
        assert await CatchUp(town.reader).begin()
        await backup.put_back(town.reader)
        again = town.another_reader()
        assert await CatchUp(town.reader).begin()
        async with running(again):
            assert await arrivals(again, leaver) == []
            assert await arrivals(again, stayer) == [1, 2, 3, 4, 5, 6, 7]
            await told_kafka(town)
        assert not await CatchUp(town.reader).begin()


@pytest.mark.parametrize("times", [2])
async def test_an_ordinary_restart_is_no_restore(town: Town, times: int) -> None:
    subject = town.person()
    async with running(town.writer):
        for number in range(times):
            reader = town.another_reader()
            async with running(reader):
                await say(town.writer.database, subject)
                await eventually(
                    "it", lambda: arrivals(town.reader, subject), lambda found, wanted=number + 1: len(found) == wanted
                )
                await told_kafka(town)
    assert town.keyring.asked_since == []


async def test_what_the_past_would_send_again_changes_nothing_elsewhere(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with running(town.reader):
        for _ in range(2):
            await say(town.writer.database, leaver)
            await say(town.writer.database, stayer)
        backup = await Snapshot.of(town.writer)
        assert await waiting_to_be_sent(town.writer) == 4
        async with running(town.writer):
            await eventually("all", lambda: arrivals(town.reader, stayer), lambda found: len(found) == 2)
        await erase_everywhere(town, leaver)
        await backup.put_back(town.writer)
        async with town.writer.database.transaction(keys=()) as tx:
            await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(minutes=1), tx.now())
        async with running(town.another_writer()):
            await eventually("an empty outbox", lambda: waiting_to_be_sent(town.writer), lambda rows: rows == 0)
            marker = town.person()
            await say(town.writer.database, marker)
            await eventually("what came behind", lambda: arrivals(town.reader, marker), lambda found: found == [1])
        assert await arrivals(town.reader, stayer) == [1, 2]
        assert await arrivals(town.reader, leaver) == []
        assert await parked_rows(town.reader) == []


async def test_a_source_puts_back_what_it_said_since_but_nobody_who_was_erased(town: Town) -> None:
    leaver, stayer = town.people(2)
    async with running(town.reader):
        async with running(town.writer):
            await told(town, leaver, stayer)
        backup = await Snapshot.of(town.writer)
        again = town.another_writer()
        async with running(again):
            await told(town, leaver, stayer, times=2)
            newcomer = town.person()
            await told(town, newcomer)
        await erase_everywhere(town, leaver)
        await backup.put_back(town.writer)
        assert (await _said(town, stayer), await _said(town, newcomer)) == ([1], [])
        async with town.writer.database.transaction(keys=()) as tx:
            await recoveries.begin(tx.connection, Sign.TOLD, tx.now() - timedelta(minutes=1), tx.now())
        async with running(town.another_writer()):
            assert await _said(town, stayer) == [1, 2, 3]
            assert await _said(town, newcomer) == [1]
            assert await _said(town, leaver) == []
            await told(town, stayer)
    assert await arrivals(town.reader, stayer) == [1, 2, 3, 4]


async def _said(town: Town, subject: SubjectId) -> list[int]:
    async with borrow(town.writer.database.pool) as connection:
        rows = await connection.fetch("SELECT number FROM said WHERE subject_id = $1 ORDER BY number", subject)
    return [row["number"] for row in rows]


async def _until_ended(service: Service, subject: SubjectId, role: str = "all") -> tuple[list[int], list[int]]:
    """What of this person is there once the service is ready."""
    async with running(service, role):
        return await arrivals(service, subject), await done(service, subject)


async def _stage(service: Service) -> str | None:
    recovery = await recovering(service)
    return recovery.stage if recovery is not None else None


def _asked(town: Town) -> Callable[[], Awaitable[int]]:
    async def times() -> int:
        return town.keyring.requests["/erasures/since"]

    return times


async def _says_so(service: Service) -> bool:
    return (await service.health.ready()).parts.get("caught up after a restore") is False


async def _records_go(town: Town) -> None:
    """Every record that stands on the reader's topics has become too old for them."""
    topics = {town.prefix + topic.name for topic in town.reader.topics() if not topic.compacted}
    ends = (await extent(town.kafka.bootstrap, topics)).ends
    admin = AIOKafkaAdminClient(bootstrap_servers=town.kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(topic, partition): RecordsToDelete(before_offset=end)
                for topic, found in ends.items()
                for partition, end in found.items()
            }
        )
    finally:
        await admin.close()
