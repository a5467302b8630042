"""Partitions whose offsets can't be read, whatever the reason, are tried again and said so, never left paused for good."""

import asyncio

from chassis.testing.containers import connected
from chassis.testing.services import running, surroundings

from tests.integration.hostile import sealed, send_event
from tests.integration.reader import arrivals
from tests.integration.town import Town, eventually
from tests.integration.writer import saved


async def test_a_right_that_is_missing_at_assignment_is_reported_and_reading_goes_on_once_it_is_given(
    town: Town,
) -> None:
    subject = town.person()
    await send_event(town, sealed(town, saved(subject, 1)))
    database = surroundings(town.reader).database

    async def reads() -> list[int]:
        async with running(town.reader):
            return await eventually("the event", lambda: arrivals(town.reader, subject), lambda found: found == [1])

    async def failures() -> float:
        found = town.reader.metrics.batch_retries.collect()
        return sum(s.value for m in found for s in m.samples if s.labels.get("reason") == "offsets not read")

    async with connected(database.migration_dsn) as owner:
        await owner.execute(f"REVOKE SELECT ON offsets FROM {database.app_role}")
        reading = asyncio.create_task(reads())
        try:
            await eventually("it is reported, again and again", failures, lambda times: times >= 3)
            assert not reading.done()
        finally:
            await owner.execute(f"GRANT SELECT ON offsets TO {database.app_role}")
            numbers = await reading
    assert numbers == [1]
