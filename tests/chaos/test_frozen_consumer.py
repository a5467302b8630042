"""A consumer that freezes loses its partitions, and the batch that it wakes with is rolled back."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from aiokafka import TopicPartition

from tests.chaos.evidence import end_offsets, taken_in
from tests.chaos.experiment import Experiment, experiment, until
from tests.chaos.servers import ChaosKafka, ChaosPostgres
from tests.chaos.supervised import Supervised
from tests.chaos.system import SINK

_UNTIL_IT_HAS_A_BATCH = 2.0
"""Its transaction then waits for the people's rows, or it waits to try again; the load never pauses that long."""


async def test_a_frozen_consumer_loses_its_partitions_and_the_batch_it_wakes_with_is_rolled_back(
    kafka: ChaosKafka, postgres: ChaosPostgres, topic_prefix: str, tmp_path: Path
) -> None:
    async with experiment(kafka, postgres, topic_prefix, tmp_path) as tried:
        await until("events to arrive", lambda: tried.more_arrivals_than(100))
        frozen = await tried.system.last_consumer()
        before = await tried.rolled_back(frozen)
        async with AsyncExitStack() as away, AsyncExitStack() as ice:
            async with tried.people_locked():
                await asyncio.sleep(_UNTIL_IT_HAS_A_BATCH)
                await ice.enter_async_context(tried.frozen(frozen))
            await _until_every_partition_moves(tried)
            # without the broker it can't learn that it was ousted before its batch comes to the offsets
            await away.enter_async_context(kafka.paused())
            await ice.aclose()
            await until("its batch to be rolled back", lambda: _more_than(tried, frozen, before))
        assert await tried.violations() == []


async def _until_every_partition_moves(tried: Experiment) -> None:
    reached = await end_offsets(tried.system, SINK)

    async def moved(reached: dict[TopicPartition, int] = reached) -> bool:
        now = await taken_in(tried.system, SINK)
        return all(now.get(partition, 0) > end for partition, end in reached.items())

    await until("the other consumer to take every partition further", moved)


async def _more_than(tried: Experiment, process: Supervised, before: int) -> bool:
    return await tried.rolled_back(process) > before
