"""One event is followed through the running system by its id: relayed and reacted to, parked, or still waiting."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from chassis.admin_answers import ParkedRecord
from chassis.clock import monotonic
from chassis.sql import connect
from contracts.communication import MessageSent
from contracts.position import PositionPublished
from contracts.profile import JobInterestSaved
from tillit_cli import topic_search
from tillit_cli.json_resume import JobInterest
from tillit_cli.proof.kafka_records import StoredRecord, every_record

from tests.promises.system import SECONDS, JobSeeker, System

from .terminal import frozen, tillit


async def record_of(system: System, wanted: Callable[[StoredRecord], bool]) -> StoredRecord:
    return [record async for record in every_record(system.info.kafka_bootstrap) if wanted(record)][-1]


def id_of(record: StoredRecord) -> UUID:
    return UUID((record.header("ce_id") or b"").decode())


def tells_nothing_of(who: JobSeeker, text: str) -> bool:
    return not any(part in text for part in (str(who.subject_id), who.person.email, who.person.name))


async def test_an_event_that_was_acted_on_is_told_with_its_places_times_and_effects(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="Sporhund"))
    await system.settled()
    position = await system.publish("Sporhund")
    await system.settled()
    record = await record_of(system, lambda found: found.key == str(position).encode())
    told = await tillit(system.info, "trace", str(id_of(record)))
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert lines[0].startswith(f"{PositionPublished.type} {id_of(record)} said by profile at ")
    assert f" on position.v1/{record.partition} at {record.offset}" in lines[1]
    for service in ("notifications", "audit-log"):
        assert f"taken in by {service}" in told.out
    assert "retention does not listen to position.v1" in told.out
    [effect] = [line for line in lines if MessageSent.type in line and "said by" in line]
    assert "said by notifications" in effect
    assert f"skipped by retention: nothing there reacts to {MessageSent.type}" in told.out
    assert "taken in by audit-log" in told.out.partition(effect)[2]
    assert tells_nothing_of(who, told.out)


async def test_an_effect_names_the_event_that_caused_it(system: System) -> None:
    await system.job_seeker(JobInterest(occupation="Sporleser"))
    await system.settled()
    position = await system.publish("Sporleser")
    await system.settled()
    cause = id_of(await record_of(system, lambda found: found.key == str(position).encode()))
    mail = await record_of(system, lambda found: found.header("ce_causationid") == str(cause).encode())
    told = await tillit(system.info, "trace", str(id_of(mail)))
    assert told.code == 0
    assert f"caused by {cause}: `tillit trace {cause}`" in told.out


async def test_an_event_that_is_parked_is_told_with_its_reason_until_it_is_discarded(system: System) -> None:
    who = await system.job_seeker(JobInterest(occupation="Sporvogn"))
    await system.settled()
    key, type_ = str(who.subject_id).encode(), JobInterestSaved.type.encode()
    good = await record_of(system, lambda found: found.key == key and found.header("ce_type") == type_)
    event_id = uuid4()
    await send_bad_copy(system, good, event_id)
    await system.settled()
    told = await tillit(system.info, "trace", str(event_id))
    [row] = [row async for row in system.operator.parked("notifications") if row.event_id == event_id]
    assert told.code == 0, told.err
    assert f"parked by notifications as {row.id}: {row.reason}" in told.out
    assert "retention" in told.out
    assert tells_nothing_of(who, told.out)

    for service in ("notifications", "audit-log"):
        for parked in await parked_as(system, service, event_id):
            discarded = await tillit(system.info, "parked", "discard", service, str(parked.id), "--reason", "INC-4711")
            assert discarded.code == 0, discarded.err
            assert f"{JobInterestSaved.type} at profile.v1 {row.partition}@{row.offset} is discarded" in discarded.out
    again = await tillit(system.info, "trace", str(event_id))
    assert "notifications has read past it and keeps nothing of it" in again.out
    assert (await tillit(system.info, "parked", "discard", "notifications", str(row.id), "--reason", "x")).code == 1


async def test_an_event_that_waits_for_a_broker_that_is_away_is_told_as_waiting(system: System) -> None:
    who = await system.job_seeker()
    await system.settled()
    with frozen(system.info, "kafka"):
        await system.portal.save_interest(who.login, JobInterest(occupation="Sporskifter"), key=str(uuid4()))
        connection = await connect(system.info.databases["profile"])
        try:
            event_id = UUID(
                str(await connection.fetchval("SELECT event_id FROM outbox ORDER BY position DESC LIMIT 1"))
            )
        finally:
            await connection.close()
        told = await tillit(system.info, "trace", str(event_id))
    assert told.code == 1, "the topics could not be read: the answer is not whole"
    assert told.out.startswith(f"{JobInterestSaved.type} {event_id} said by profile")
    assert "waits in the outbox of profile" in told.out
    assert "Kafka does not answer: the topics were not read." in told.out
    assert tells_nothing_of(who, told.out)
    await settled_again(system)
    later = await tillit(system.info, "trace", str(event_id))
    assert later.code == 0
    assert "taken in by notifications" in later.out
    assert "waits" not in later.out


async def test_an_event_that_nobody_knows_is_said_to_be_unknown(system: System) -> None:
    told = await tillit(system.info, "trace", "01a20fbe-2cad-78c9-a712-dff0f6331470")
    assert told.code == 1
    assert told.out == ""
    assert told.err.startswith("tillit: nobody knows event 01a20fbe-2cad-78c9-a712-dff0f6331470")
    assert (await tillit(system.info, "trace", "4711")).code == 2


async def test_a_search_of_the_topics_ends_within_its_bound_and_says_so(system: System) -> None:
    await system.job_seeker(JobInterest(occupation="Sporstoff"))
    await system.settled()
    event_id = id_of([record async for record in every_record(system.info.kafka_bootstrap)][-1])
    found = await topic_search.search(system.info.kafka_bootstrap, event_id, records=1)
    assert found.gap == "1 records were read; what came later is not shown."


async def settled_again(system: System) -> None:
    """Settled, once the broker is back: it was fenced while it stood still, and for a moment nobody is in charge."""
    deadline = monotonic() + SECONDS
    while True:
        try:
            return await system.settled()
        except KafkaError:
            if monotonic() > deadline:
                raise
            await asyncio.sleep(0.5)


async def send_bad_copy(system: System, good: StoredRecord, event_id: UUID) -> None:
    """The record once more, as another event whose body is not what its type promises."""
    headers = [(name, str(event_id).encode() if name == "ce_id" else value) for name, value in good.headers]
    producer = AIOKafkaProducer(bootstrap_servers=system.info.kafka_bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(good.topic, b"{}", good.key, partition=good.partition, headers=headers)
    finally:
        await producer.stop()


async def parked_as(system: System, service: str, event_id: UUID) -> list[ParkedRecord]:
    return [row async for row in system.operator.parked(service) if row.event_id == event_id]
