"""A long backlog of the outbox: everything is sent once and in order, with the next rows read while the broker answers."""

import asyncio
import json
from collections import defaultdict
from typing import Final

from chassis.relay import BATCH
from chassis.testing.services import running
from confluent_kafka import Consumer
from contracts.profile import JobInterestSaved

from tests.integration.town import PATIENCE, Town, eventually, waiting_to_be_sent
from tests.integration.writer import deletion, number_as_id, saved

PEOPLE: Final = 7
DELETION: Final = "a deletion was asked for"
ROUNDS: Final = 4 * BATCH // PEOPLE


async def test_a_backlog_of_several_batches_arrives_once_and_in_the_order_of_each_key(town: Town) -> None:
    people = town.people(PEOPLE)
    async with town.writer.database.transaction(people) as tx:
        for number in range(ROUNDS):
            for subject in people:
                tx.publish(saved(subject, number))
            if number % 100 == 50:
                tx.publish(deletion(people[number % PEOPLE]))
    async with running(town.writer, "worker"):

        async def waiting() -> int:
            return await waiting_to_be_sent(town.writer)

        await eventually("an empty outbox", waiting, lambda rows: rows == 0)
    wanted = {str(subject): expected(index) for index, subject in enumerate(people)}
    assert await asyncio.to_thread(told_by_person, town, sum(map(len, wanted.values()))) == wanted


def expected(index: int) -> list[str]:
    """What was told of one person, in the order in which it was published."""
    told: list[str] = []
    for number in range(ROUNDS):
        told.append(str(number_as_id(number)))
        if number % 100 == 50 and number % PEOPLE == index:
            told.append(DELETION)
    return told


def told_by_person(town: Town, count: int) -> dict[str, list[str]]:
    """What stands on the profile topic, read by a foreign client until `count` records came, and then until none comes."""
    settings = {"bootstrap.servers": town.kafka.bootstrap, "group.id": town.prefix, "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([town.prefix + JobInterestSaved.topic.name])
    found: defaultdict[str, list[str]] = defaultdict(list)
    try:
        while records := consumer.consume(max(count, 1), timeout=PATIENCE if count > 0 else 1):
            for record in records:
                body = json.loads(record.value() or b"")
                found[body["subject_id"]].append(body.get("interest_id", DELETION))
            count -= len(records)
    finally:
        consumer.close()
    return found
