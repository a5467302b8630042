"""A partition moves only from where its worker believes it stands."""

import asyncio
from uuid import uuid4

import pytest
from chassis.errors import OffsetMoved
from chassis.offsets import Advance

from chassis import offsets

from .town import Town


async def test_a_partition_never_seen_stands_at_its_beginning(town: Town) -> None:
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        assert await offsets.read(tx.connection, topic, [2, 0]) == {0: 0, 2: 0}
        assert await offsets.read(tx.connection, topic, [0, 1]) == {0: 0, 1: 0}


async def test_what_was_advanced_is_read_by_all(town: Town) -> None:
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        await offsets.read(tx.connection, topic, [0, 1])
        await offsets.advance(tx.connection, topic, [Advance(1, 0, 7), Advance(0, 0, 3)])
    async with town.service.database.transaction(keys=()) as tx:
        assert await offsets.read(tx.connection, topic, [0, 1]) == {0: 3, 1: 7}
        found = await offsets.all_of(tx.connection)
    assert (found[topic, 0], found[topic, 1]) == (3, 7)


async def test_one_partition_that_moved_refuses_the_whole_step(town: Town) -> None:
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        await offsets.read(tx.connection, topic, [0, 1])
        await offsets.advance(tx.connection, topic, [Advance(0, 0, 3)])
    with pytest.raises(OffsetMoved, match="another worker"):
        async with town.service.database.transaction(keys=()) as tx:
            await offsets.advance(tx.connection, topic, [Advance(0, 2, 9), Advance(1, 0, 9)])
    async with town.service.database.transaction(keys=()) as tx:
        assert await offsets.read(tx.connection, topic, [0, 1]) == {0: 3, 1: 0}


async def test_a_partition_without_a_row_cannot_be_advanced(town: Town) -> None:
    async with town.service.database.transaction(keys=()) as tx:
        with pytest.raises(OffsetMoved):
            await offsets.advance(tx.connection, str(uuid4()), [Advance(0, 0, 1)])


async def test_of_two_workers_with_the_same_belief_one_advances(town: Town) -> None:
    topic = str(uuid4())
    async with town.service.database.transaction(keys=()) as tx:
        await offsets.read(tx.connection, topic, [0, 1, 2])

    async def work(turn: int) -> bool:
        steps = [Advance(partition, 0, 5) for partition in range(3)]
        try:
            async with town.service.database.transaction(keys=()) as tx:
                await offsets.advance(tx.connection, topic, steps[turn:] + steps[:turn])
        except OffsetMoved:
            return False
        return True

    assert sorted(await asyncio.gather(*(work(turn % 3) for turn in range(5)))) == [False] * 4 + [True]
