"""An event id is new to a service once."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from chassis import inbox

from .town import AT, Town


async def test_only_ids_that_were_not_there_are_new(town: Town) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    async with town.service.database.transaction(keys=()) as tx:
        assert await inbox.add_new(tx.connection, [first, second], AT) == {first, second}
    async with town.service.database.transaction(keys=()) as tx:
        assert await inbox.add_new(tx.connection, [second, third], AT) == {third}


async def test_an_id_that_was_rolled_back_is_new_again(town: Town) -> None:
    event_id = uuid4()
    try:
        async with town.service.database.transaction(keys=()) as tx:
            await inbox.add_new(tx.connection, [event_id], AT)
            raise LookupError
    except LookupError:
        pass
    async with town.service.database.transaction(keys=()) as tx:
        assert await inbox.add_new(tx.connection, [event_id], AT) == {event_id}


async def test_an_id_is_new_to_one_of_many_at_the_same_time(town: Town) -> None:
    ids = [uuid4() for _ in range(20)]

    async def take(turn: int) -> int:
        async with town.service.database.transaction(keys=()) as tx:
            return len(await inbox.add_new(tx.connection, ids[turn:] + ids[:turn], AT))

    assert sum(await asyncio.gather(*(take(turn) for turn in range(6)))) == len(ids)


async def test_only_ids_older_than_the_window_are_forgotten(town: Town) -> None:
    old, young = uuid4(), uuid4()
    async with town.service.database.transaction(keys=()) as tx:
        await inbox.add_new(tx.connection, [old], AT - timedelta(days=400))
        await inbox.add_new(tx.connection, [young], AT)
        assert await inbox.forget(tx.connection, AT - timedelta(days=90), 10) == 1
        assert await inbox.add_new(tx.connection, [old, young], AT) == {old}
