"""What is older than its window goes, however many rows it is, and what is younger stays."""

from datetime import timedelta

import pytest
from chassis.sql import borrow
from chassis.work_loop import LeaseLost

from chassis import housekeeping, work

from .claims import claimed
from .town import AT, Town

OLD = timedelta(days=800)
TABLES = ("inbox", "idempotency_keys", "parked")


async def fill(town: Town, rows: int) -> None:
    """So many rows too old and one that is not, in each table, and no others."""
    async with borrow(town.service.database.pool) as connection:
        for table in TABLES:
            await connection.execute(f"DELETE FROM {table}")
        for old, count in ((True, rows), (False, 1)):
            at = AT - OLD if old else AT
            await connection.execute(
                "INSERT INTO inbox (event_id, received_at) SELECT gen_random_uuid(), $2 FROM generate_series(1, $1)",
                count,
                at,
            )
            await connection.execute(
                "INSERT INTO idempotency_keys (scope, key_hash, request_hash, created_at)"
                " SELECT 'test', uuid_send(gen_random_uuid()), '', $2 FROM generate_series(1, $1)",
                count,
                at,
            )
            await connection.execute(
                "INSERT INTO parked (topic, partition, record_offset, reason, record, encrypted, parked_at)"
                " SELECT 'test', $3, n, 'test', '', true, $2 FROM generate_series(1, $1) AS n",
                count,
                at,
                int(old),
            )


async def left(town: Town) -> list[int]:
    async with borrow(town.service.database.pool) as connection:
        return [int(await connection.fetchval(f"SELECT count(*) FROM {table}")) for table in TABLES]


async def test_more_rows_than_one_statement_may_delete_are_swept_and_younger_ones_stay(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "PART", 20)
    await fill(town, 45)
    await housekeeping.sweep(town.service, await claimed(town))
    assert await left(town) == [1, 1, 1]


async def test_a_sweep_whose_lease_was_lost_deletes_nothing(town: Town) -> None:
    await fill(town, 3)
    item = await claimed(town)
    async with borrow(town.service.database.pool) as connection:
        await work.finish(connection, item)
    with pytest.raises(LeaseLost):
        await housekeeping.sweep(town.service, item)
    assert await left(town) == [4, 4, 4]
