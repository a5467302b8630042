"""Bad records and refused rows by the thousand: memory stays bounded, the good ones go on, and what is cured is made up."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import pytest
from chassis.clock import monotonic
from chassis.sql import borrow
from chassis.testing.containers import connected
from chassis.testing.services import running
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from contracts.personal import SubjectId
from contracts.topics import PROFILE

from chassis import outbox, parked
from tests.bounds.memory import tell, watched_memory
from tests.bounds.metrics import measured
from tests.integration.hostile import sealed
from tests.integration.reader import POISON, arrivals
from tests.integration.town import Town, eventually
from tests.integration.writer import publish, saved, say

UNREADABLE: Final = 20_000
BEHIND: Final = 3_000
"""Good events of one person behind a poisoned one."""
PEOPLE: Final = 50
EVENTS: Final = 20
REFUSED: Final = 1_000
LARGE: Final = 300_000
LIMIT: Final = 200_000
"""What the broker takes, in bytes: more than the client puts together, less than a large row."""
MOST_MIB: Final = 200

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


async def test_what_can_not_be_read_or_run_is_parked_beside_what_can_and_is_replayed_in_order(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    poisoned, *people = town.people(PEOPLE + 1)
    await asyncio.to_thread(publish_badly, town, poisoned, people)
    with capsys.disabled():
        async with running(town.reader), watched_memory() as memory:
            began = monotonic()
            for subject in people:
                await eventually(
                    "good ones", lambda s=subject: arrivals(town.reader, s), lambda got: len(got) == EVENTS
                )
                assert await arrivals(town.reader, subject) == list(range(EVENTS))
            wanted = UNREADABLE + BEHIND + 1
            await eventually("parked", lambda: count(town), lambda rows: rows == wanted, within=300)
            tell(f"{wanted:,} parked in {monotonic() - began:.0f} s beside {PEOPLE * EVENTS:,} good ones")
            await eventually("the gauge", lambda: measured(town.reader, "tillit_parked"), lambda rows: rows == wanted)
            town.behaviour.cured = True
            began = monotonic()
            replayed = await town.reader.replayer.replay(town.prefix + PROFILE.name, str(poisoned))
            tell(
                f"{replayed.done:,} of one person replayed in {monotonic() - began:.0f} s, {memory.growth:.0f} MiB more"
            )
            assert (replayed.done, replayed.stopped_by) == (BEHIND + 1, None)
            assert await arrivals(town.reader, poisoned) == list(range(BEHIND + 1))
        assert memory.growth < MOST_MIB


def publish_badly(town: Town, poisoned: SubjectId, people: Sequence[SubjectId]) -> None:
    """Garbage, one person's poison with what follows, and everybody else's good events, mixed."""
    producer = Producer(
        {"bootstrap.servers": town.kafka.bootstrap, "partitioner": "murmur2_random", "enable.idempotence": True}
    )
    good = [(subject, number) for number in range(EVENTS) for subject in people]
    for number in range(UNREADABLE):
        producer.produce(town.prefix + PROFILE.name, b"\xff garbage" * 20, str(number).encode())
        if number <= BEHIND:
            occupation = POISON if number == 0 else "sykepleier"
            send(producer, town, poisoned, number, occupation)
        if number < len(good):
            send(producer, town, *good[number], "sykepleier")
        if number % 1_000 == 0:
            producer.flush()
    assert producer.flush(60) == 0


def send(producer: Producer, town: Town, subject: SubjectId, number: int, occupation: str) -> None:
    event = sealed(town, saved(subject, number, occupation))
    producer.produce(event.topic, event.body, event.key.encode(), headers=[*event.headers])


async def count(town: Town) -> int:
    async with borrow(town.reader.database.pool) as connection:
        return await parked.count(connection)


async def test_rows_too_large_for_the_broker_hold_back_nobody_else_and_go_once_it_takes_them(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    """The limit of the topic is below that of the contracts: an operator's mistake, which only the broker knows."""
    people = town.people(PEOPLE)
    with capsys.disabled():
        async with running(town.writer), running(town.reader), watched_memory() as memory:
            async with limited(town):
                began = monotonic()
                await fill(town)
                for subject in people:
                    await say(town.writer.database, subject)
                for subject in people:
                    await eventually("good ones", lambda s=subject: arrivals(town.reader, s), lambda got: got == [1])
                await eventually("all found out", lambda: refused(town), lambda rows: rows == REFUSED)
                tell(f"{REFUSED:,} rows of {LARGE:,} bytes found out in {monotonic() - began:.0f} s")
                await eventually(
                    "the gauge", lambda: measured(town.writer, "tillit_outbox_refused"), lambda rows: rows == REFUSED
                )
            began = monotonic()
            async with borrow(town.writer.database.pool) as connection:
                assert await outbox.retry(connection, None) == REFUSED
            await eventually("an empty outbox", lambda: waiting(town), lambda rows: rows == 0, within=120)
            tell(f"sent in {monotonic() - began:.0f} s once it took them, {memory.growth:.0f} MiB more")
        assert memory.growth < MOST_MIB


@asynccontextmanager
async def limited(town: Town) -> AsyncGenerator[None]:
    """The broker takes no batch over `LIMIT` bytes on the topic."""
    await asyncio.to_thread(alter, town, AlterConfigOpType.SET)
    yield
    await asyncio.to_thread(alter, town, AlterConfigOpType.DELETE)


def alter(town: Town, operation: AlterConfigOpType) -> None:
    admin = AdminClient({"bootstrap.servers": town.kafka.bootstrap})
    entry = ConfigEntry("max.message.bytes", str(LIMIT), incremental_operation=operation)
    topic = ConfigResource(ConfigResource.Type.TOPIC, town.prefix + PROFILE.name, incremental_configs=[entry])
    answers = cast("Any", admin).incremental_alter_configs([topic])  # its types leave out what a future holds
    answers[topic].result(20)


async def fill(town: Town) -> None:
    """Large rows, each of a key of its own, with the headers of a real event; nobody reacts to what is in them."""
    await publish(town.writer.database, saved(town.person(), 1))
    async with connected(town.writer.settings.database_url.get_secret_value()) as connection:
        await connection.execute(
            "INSERT INTO outbox (event_id, topic, key, headers, body, privacy_protocol, created_at)"
            " SELECT gen_random_uuid(), $1, n, convert_to('ce_type:nobodys', 'UTF8'),"
            " convert_to(repeat('x', $2 + n % 7), 'UTF8'), false, now() FROM generate_series(1, $3::int) AS n",
            town.prefix + PROFILE.name,
            LARGE,
            REFUSED,
        )


async def refused(town: Town) -> int:
    async with borrow(town.writer.database.pool) as connection:
        return (await outbox.depth(connection)).refused


async def waiting(town: Town) -> int:
    async with borrow(town.writer.database.pool) as connection:
        return (await outbox.depth(connection)).rows
