"""The broker is away while a million rows gather: memory stays bounded, and they drain in order and at a steady rate."""

import asyncio
from collections import defaultdict
from typing import Final

import pytest
from chassis.clock import monotonic
from chassis.testing.containers import connected
from chassis.testing.services import running
from confluent_kafka import Consumer
from contracts.profile import JobInterestSaved

from tests.bounds.memory import tell, watched_memory
from tests.integration.town import Town, waiting_to_be_sent
from tests.integration.writer import publish, saved

ROWS: Final = 1_000_000
KEYS: Final = 5_000
MOST_MIB: Final = 150
"""A batch of 1,000 rows twice, the client's buffers, and what Python keeps."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_200)]


async def test_a_million_rows_gather_without_a_broker_and_drain_in_order(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        async with running(town.writer, "worker"), watched_memory() as gathering:
            await town.kafka.stop_serving()
            began = monotonic()
            await fill(town)
            tell(f"{ROWS:,} rows in {monotonic() - began:.0f} s, broker away: {gathering.growth:.0f} MiB more")
            assert gathering.growth < MOST_MIB
            async with watched_memory() as draining:
                await town.kafka.serve_again()
                rates = await drain(town)
            tell(f"drained at {', '.join(f'{rate:,.0f}' for rate in rates)}/s: {draining.growth:.0f} MiB more")
            assert draining.growth < MOST_MIB
        assert min(rates[1:-1]) > max(rates[1:-1]) / 3, f"the rate is not steady: {rates}"
        assert await asyncio.to_thread(numbers_by_key, town) == {
            key: list(range(key, ROWS, KEYS)) for key in range(KEYS)
        }


async def fill(town: Town) -> None:
    """Rows numbered in their body, `KEYS` keys in turn, with the headers of a real event, which stays before them."""
    await publish(town.writer.database, saved(town.person(), 1))
    async with connected(town.writer.settings.database_url.get_secret_value()) as connection:
        for start in range(0, ROWS, 100_000):
            await connection.execute(
                "INSERT INTO outbox (event_id, topic, key, headers, body, privacy_protocol, created_at)"
                " SELECT gen_random_uuid(), topic, n % $3, headers, convert_to(n::text, 'UTF8'), false, now()"
                " FROM (SELECT topic, headers FROM outbox ORDER BY position LIMIT 1) AS e,"
                " generate_series($1::int, $2::int) AS n ORDER BY n",
                start,
                start + 100_000 - 1,
                KEYS,
            )


async def drain(town: Town) -> list[float]:
    """Rows per second, in steps of five seconds, until none is left."""
    rates: list[float] = []
    left = await waiting_to_be_sent(town.writer)

    async def waiting() -> int:
        return await waiting_to_be_sent(town.writer)

    while left:
        began = monotonic()
        await asyncio.sleep(5)
        now = await waiting()
        rates.append((left - now) / (monotonic() - began))
        left = now
    return rates


def numbers_by_key(town: Town) -> dict[int, list[int]]:
    """What a foreign client reads of the topic."""
    consumer = Consumer(
        {"bootstrap.servers": town.kafka.bootstrap, "group.id": town.prefix, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([town.prefix + JobInterestSaved.topic.name])
    found: defaultdict[int, list[int]] = defaultdict(list)
    left = ROWS + 1
    try:
        while records := consumer.consume(min(max(left, 1), 10_000), timeout=20 if left > 0 else 1):
            for record in records:
                if (number := record.value() or b"").isdigit():
                    found[int(record.key() or b"")].append(int(number))
            left -= len(records)
    finally:
        consumer.close()
    return found
