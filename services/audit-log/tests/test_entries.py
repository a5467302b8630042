"""Entries are numbered in the order in which they are added, and each finds its own leaf whatever stands beside it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from audit_log_service import entries
from audit_log_service.entries import NewEntry, RecordPlace
from chassis.service import Service
from chassis.sql import borrow
from contracts.log_leaf import leaf_of

from .published import Published

HOUR = datetime(2026, 1, 2, 8, tzinfo=UTC)


def mixed(random: Random, topic: str, count: int) -> list[NewEntry]:
    """Entries of several types, sources and hours, at offsets in no order, some with a commitment of another length."""
    return [
        NewEntry(
            RecordPlace(topic, random.randrange(6), offset),
            type=f"profile.kind{random.randrange(4)}.v1",
            source=random.choice(["profile", "notifications"]),
            schema="s",
            hour=HOUR + timedelta(hours=random.randrange(3)),
            commitment=random.randbytes(random.choice([32, 32, 0, 7, 64])),
        )
        for offset in random.sample(range(10_000), count)
    ]


async def append(service: Service, batch: Sequence[NewEntry]) -> dict[int, NewEntry]:
    async with borrow(service.database.pool) as connection, connection.transaction():
        return dict(zip(await entries.append(connection, batch), batch, strict=True))


async def test_each_position_is_that_of_its_entry_while_others_append_too(service: Service) -> None:
    random = Random(5)
    batches = [mixed(random, f"t{number}", random.randrange(1, 600)) for number in range(24)]
    said = await asyncio.gather(*(append(service, batch) for batch in batches))
    async with borrow(service.database.pool) as connection:
        stored = await entries.after(connection, 0, 24 * 600)
    by_position = {position: entry for part in said for position, entry in part.items()}
    assert {entry.position: entry.place for entry in stored} == {at: new.place for at, new in by_position.items()}
    for part in said:
        assert list(part) == sorted(part)


async def test_leaves_of_many_kinds_stand_in_the_order_of_their_entries(service: Service, published: Published) -> None:
    batch = mixed(Random(6), "t", 700)
    await append(service, batch)
    await published.sequencer(service).take_turn()
    assert published.audit().checkpoint.size == 700
    assert published.leaves() == [leaf_of(one.type, one.source, one.hour, one.commitment) for one in batch]
