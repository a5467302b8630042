"""A consumer that freezes loses its partitions, and the batch that it wakes with is rolled back."""

from contextlib import suppress
from pathlib import Path

from aiokafka import TopicPartition
from chassis.testing.containers import Kafka, Postgres

from tests.chaos.evidence import end_offsets, taken_in
from tests.chaos.experiment import experiment, until
from tests.chaos.supervised import Supervised
from tests.chaos.system import SINK

_ATTEMPTS = 3
"""A frozen consumer nearly always holds a batch when it wakes; now and then it has just handed its last one in."""


async def test_a_frozen_consumer_loses_its_partitions_and_the_batch_it_wakes_with_is_rolled_back(
    kafka: Kafka, postgres: Postgres, topic_prefix: str, tmp_path: Path
) -> None:
    async with experiment(kafka, postgres, topic_prefix, tmp_path) as tried:
        await until("events to arrive", lambda: tried.more_arrivals_than(100))
        seen = False
        for _ in range(_ATTEMPTS):
            frozen = await tried.system.last_consumer()
            before = await tried.rolled_back(frozen)
            async with tried.frozen(frozen):
                reached = await end_offsets(tried.system)

                async def moved(reached: dict[TopicPartition, int] = reached) -> bool:
                    now = await taken_in(tried.system, SINK)
                    return all(now[partition] > reached[partition] for partition in now)

                await until("every partition to be taken further by the other", moved)

            async def rolled_back(frozen: Supervised = frozen, before: int = before) -> bool:
                return await tried.rolled_back(frozen) > before

            with suppress(AssertionError):
                seen = await until("the woken consumer's batch to be rolled back", rolled_back, within=20)
                tried.tell(f"rolled back {await tried.rolled_back(frozen) - before} batches")
            if seen:
                break
        assert await tried.violations() == []
        assert seen, f"{_ATTEMPTS} consumers woke, and none had a batch to roll back"
