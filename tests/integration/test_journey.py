"""What is committed here arrives there, once and in order, whoever dies or repeats meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from chassis.clock import monotonic
from chassis.relay import IDLE_TIMEOUT
from chassis.service import Service
from chassis.sql import borrow, connect
from chassis.testing.services import running
from contracts.personal import SubjectId
from contracts.topics import PROFILE

from chassis import offsets
from tests.integration.reader import adverts, arrivals, done
from tests.integration.town import PARTITIONS, PATIENCE, Town, eventually, waiting_to_be_sent
from tests.integration.writer import advert, deletion, publish, removed, say


async def all_arrived(service: Service, people: list[SubjectId], count: int) -> None:
    for subject in people:
        numbers = await eventually(
            f"{count} arrivals", lambda subject=subject: arrivals(service, subject), lambda found: len(found) >= count
        )
        assert numbers == list(range(1, count + 1))


async def test_what_is_committed_arrives_once_and_is_worked_on_once(town: Town) -> None:
    town.behaviour.tells = True
    people = town.people(5)
    async with running(town.writer), running(town.reader):
        for _ in range(20):
            for subject in people:
                await say(town.writer.database, subject)
        await all_arrived(town.reader, people, 20)
        for subject in people:
            await eventually(
                "the work of each", lambda subject=subject: done(town.reader, subject), lambda found: len(found) >= 20
            )
        await eventually("an empty outbox", lambda: waiting_to_be_sent(town.reader), lambda rows: rows == 0)
    for subject in people:
        assert await done(town.reader, subject) == list(range(1, 21))


async def test_order_per_key_is_kept_under_concurrent_writers(town: Town) -> None:
    people = town.people(3)
    second = town.another_writer()
    async with running(town.writer), running(second), running(town.reader):

        async def write(database: Service, subject: SubjectId) -> None:
            for _ in range(15):
                await say(database.database, subject)

        await asyncio.gather(
            *(write(service, subject) for service in (town.writer, second, town.writer, second) for subject in people)
        )
        await all_arrived(town.reader, people, 60)


async def test_a_worker_killed_and_started_again_doubles_and_loses_nothing(town: Town) -> None:
    town.behaviour.tells = True
    people = town.people(4)
    service = town.reader
    async with running(town.writer):
        for round_ in range(1, 5):
            for _ in range(25):
                for subject in people:
                    await say(town.writer.database, subject)
            before = town.behaviour.runs
            async with running(service) as process:
                await eventually("some reactions", town.runs, lambda runs, before=before: runs >= before + 10)
                process.cancel()
            if round_ < 4:
                service = town.another_reader()
        async with running(town.another_reader()):
            await all_arrived(town.reader, people, 100)


async def test_topics_read_again_from_the_start_change_nothing(town: Town) -> None:
    people = town.people(3)
    async with running(town.writer):
        async with running(town.reader):
            for _ in range(30):
                for subject in people:
                    await say(town.writer.database, subject)
            await all_arrived(town.reader, people, 30)
        await _forget_where_it_stood(town)
        again = town.another_reader()
        async with running(again):
            marker = town.person()
            await say(town.writer.database, marker)
            await all_arrived(again, [marker], 1)
            stands = await eventually(
                "every record to be read again",
                lambda: _taken_in(again),
                lambda taken: taken >= 91,
            )
    assert stands == 91
    await all_arrived(town.reader, people, 30)


async def test_kafkas_committed_offsets_are_not_believed_over_the_databases(town: Town) -> None:
    subject = town.person()
    async with running(town.writer):
        async with running(town.reader):
            await say(town.writer.database, subject)
            await all_arrived(town.reader, [subject], 1)
        await say(town.writer.database, subject)
        await eventually("an empty outbox", lambda: waiting_to_be_sent(town.writer), lambda rows: rows == 0)
        await _commit_in_kafka(town, at_end=True)
        again = town.another_reader()
        async with running(again):
            await all_arrived(again, [subject], 2)


async def test_a_privacy_row_is_sent_only_after_all_older_rows(town: Town) -> None:
    people = town.people(40)
    leaver = town.person()
    for subject in people:
        await say(town.writer.database, subject)
    await publish(town.writer.database, deletion(leaver))
    for subject in people:
        await say(town.writer.database, subject)
    async with running(town.writer):
        await eventually("an empty outbox", lambda: waiting_to_be_sent(town.writer), lambda rows: rows == 0)
    stamped = await _records(town)
    [privacy] = [
        time for key, time, kind in stamped if kind == b"deletion.requested.v1" and key == str(leaver).encode()
    ]
    others = [time for _, time, kind in stamped if kind == b"job.interest.saved.v1"]
    assert len(others) == 80
    assert sum(time <= privacy for time in others) >= 40
    for subject in people:
        assert min(time for key, time, _ in stamped if key == str(subject).encode()) <= privacy


async def test_the_relay_takes_over_from_a_session_that_froze_with_the_lock(town: Town) -> None:
    frozen = await connect(
        town.writer.settings.database_url.get_secret_value(),
        settings={"idle_session_timeout": str(int(IDLE_TIMEOUT.total_seconds() * 1000))},
    )
    try:
        assert await frozen.fetchval("SELECT pg_try_advisory_lock($1)", 0x7411_0002)
        subject = town.person()
        async with running(town.writer), running(town.reader):
            await say(town.writer.database, subject)
            await asyncio.sleep(1.5)
            assert await arrivals(town.reader, subject) == []
            await all_arrived(town.reader, [subject], 1)
    finally:
        frozen.terminate()


async def test_two_workers_share_partitions_and_no_event_is_doubled_or_lost_by_their_coming_and_going(
    town: Town,
) -> None:
    people = town.people(8)
    stop = asyncio.Event()
    counts = dict.fromkeys(people, 0)

    async def write() -> None:
        while not stop.is_set():
            for subject in people:
                counts[subject] = await say(town.writer.database, subject)
            await asyncio.sleep(0.01)

    async with running(town.writer), running(town.reader):
        writing = asyncio.create_task(write())
        for _ in range(2):
            async with running(town.another_reader()):
                await asyncio.sleep(1)
            await asyncio.sleep(0.5)
        stop.set()
        await writing
        for subject in people:
            await all_arrived(town.reader, [subject], counts[subject])


async def test_a_worker_whose_partition_was_taken_further_seeks_again_and_doubles_nothing(town: Town) -> None:
    subject, other = town.person(), town.person()
    async with running(town.writer), running(town.reader):
        await say(town.writer.database, subject)
        await all_arrived(town.reader, [subject], 1)
        # somebody else, unseen, took every partition to where it will stand after two more of each
        async with borrow(town.reader.database.pool) as connection:
            await connection.execute("UPDATE offsets SET next_offset = next_offset + 1 WHERE next_offset > 0")
        await say(town.writer.database, subject)
        await say(town.writer.database, subject)
        await say(town.writer.database, other)
        await eventually("the one after it", lambda: arrivals(town.reader, subject), lambda found: 3 in found)
        await all_arrived(town.reader, [other], 1)
    assert await arrivals(town.reader, subject) == [1, 3]


async def test_batch_and_single_reactions_of_one_key_keep_their_order(town: Town) -> None:
    subject = town.person()
    for number in range(1, 21):
        await publish(town.writer.database, removed(subject, number) if number % 3 else advert(uuid4()))
        if number % 3 == 0:
            async with town.writer.database.transaction([subject]) as tx:
                tx.publish(removed(subject, number))
    async with running(town.writer), running(town.reader):
        await all_arrived(town.reader, [subject], 20)
        await eventually("the adverts", lambda: adverts(town.reader), lambda found: len(found) == 6)


async def _taken_in(service: Service) -> int:
    async with borrow(service.database.pool) as connection:
        stand = await offsets.all_of(connection)
    return sum(n for (topic, _), n in stand.items() if topic.endswith(PROFILE.name))


async def _forget_where_it_stood(town: Town) -> None:
    async with borrow(town.reader.database.pool) as connection:
        await connection.execute("UPDATE offsets SET next_offset = 0")
    await _commit_in_kafka(town, at_end=False)


async def _commit_in_kafka(town: Town, *, at_end: bool) -> None:
    async with _reading(town, group=town.reader.group(PROFILE)) as (consumer, ends):
        await consumer.commit({tp: end if at_end else 0 for tp, end in ends.items()})


async def _records(town: Town) -> list[tuple[bytes, int, bytes]]:
    """Key, time of arrival at the broker and type of everything on the topic."""
    async with _reading(town) as (consumer, ends):
        found: list[tuple[bytes, int, bytes]] = []
        began = monotonic()
        while len(found) < sum(ends.values()):
            assert monotonic() - began < PATIENCE, f"{len(found)} of {sum(ends.values())} records were read"
            got: object = await consumer.getmany(timeout_ms=500)  # pyright: ignore[reportUnknownVariableType]
            for records in cast("dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]", got).values():
                found.extend((r.key or b"", r.timestamp, dict(r.headers)["ce_type"]) for r in records)
        return found


@asynccontextmanager
async def _reading(
    town: Town, group: str | None = None
) -> AsyncGenerator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """A consumer of the whole topic, and where it ends."""
    # A seek right after `assign` can lose against the reset that the client has begun: it starts at the beginning itself.
    consumer = AIOKafkaConsumer(
        bootstrap_servers=town.kafka.bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(town.prefix + PROFILE.name, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        yield consumer, cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()
