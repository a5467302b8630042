"""A relay leader that freezes is replaced, and when it wakes it changes nothing."""

import asyncio
from pathlib import Path

from chassis.clock import monotonic

from tests.chaos.experiment import experiment, until
from tests.chaos.servers import ChaosKafka, ChaosPostgres
from tests.chaos.supervised import Supervised
from tests.chaos.system import SOURCE

_FROZEN_SECONDS = 8
"""Longer than the leader's session may be idle."""


async def test_a_frozen_relay_leader_is_replaced_and_its_waking_neither_doubles_nor_reorders(
    kafka: ChaosKafka, postgres: ChaosPostgres, topic_prefix: str, tmp_path: Path
) -> None:
    async with experiment(kafka, postgres, topic_prefix, tmp_path) as tried:
        leader = await until("a relay leader", lambda: tried.system.relay_leader(SOURCE))
        await asyncio.sleep(1)
        began = monotonic()
        async with tried.frozen(leader):

            async def another() -> Supervised | None:
                found = await tried.system.relay_leader(SOURCE)
                return found if found is not leader else None

            await until("another relay leader", another)
            took = monotonic() - began
            before = await tried.arrivals()
            await until("events to flow under the new leader", lambda: tried.more_arrivals_than(before + 50))
            await asyncio.sleep(max(0.0, _FROZEN_SECONDS - (monotonic() - began)))
        await asyncio.sleep(2)
        assert await tried.violations() == []
        tried.tell(f"another relay leader after {took:.1f} s")
