"""Who waits for a connection waits for a while, and is told."""

from contextlib import AsyncExitStack

import pytest
from chassis.sql import borrow

from chassis import service, sql

from .town import Town


async def test_when_every_connection_is_lent_the_next_waits_and_is_told_and_one_given_back_serves(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "BORROW_SECONDS", 0.2)
    pool = town.service.database.pool
    async with AsyncExitStack() as lent:
        for _ in range(service.POOL_SIZE):
            await lent.enter_async_context(borrow(pool))
        with pytest.raises(TimeoutError):
            async with borrow(pool):
                pass
    async with borrow(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1
