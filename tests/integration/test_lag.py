"""Lag is what an operator sees of a reader that is stuck: it must grow when nothing is committed any more."""

import asyncio

from chassis.consume import COMMIT_SECONDS
from chassis.testing.services import running
from contracts.topics import PROFILE

from tests.integration.reader import arrivals
from tests.integration.town import Town, eventually
from tests.integration.writer import say


async def test_lag_shows_what_waits_while_a_batch_is_stuck_and_nothing_once_it_is_through(town: Town) -> None:
    subject = town.person()
    topic = town.prefix + PROFILE.name

    async def lag() -> float:
        found = town.reader.metrics.lag.collect()
        return sum(s.value for metric in found for s in metric.samples if s.labels["topic"] == topic)

    async with running(town.writer), running(town.reader):
        await say(town.writer.database, subject)
        await eventually("the first", lambda: arrivals(town.reader, subject), lambda found: found == [1])
        await asyncio.sleep(2 * COMMIT_SECONDS)  # Kafka was told: no commit is due that could measure on its way
        town.behaviour.waits = True
        await say(town.writer.database, subject)
        await eventually("the lag of what is stuck", lag, lambda records: records == 1)
        town.behaviour.go_on.set()
        await eventually("what was stuck", lambda: arrivals(town.reader, subject), lambda found: found == [1, 2])
        await eventually("no lag", lag, lambda records: records == 0)
