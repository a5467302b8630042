"""Reads what the system holds: how much is left to do while it drains, and everything that was written once it has."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from chassis.clock import monotonic
from chassis.errors import TRANSIENT
from chassis.testing.containers import connected

from tests.chaos.facts import ECHO, ERRAND
from tests.chaos.system import PARTITIONS, SINK, SOURCE, System
from tests.chaos.timeline import Timeline
from tests.chaos.verdict import Arrival, Evidence, Fact, Numbered, Violation

_LOOK_SECONDS: Final = 0.5
_TELL_SECONDS: Final = 5.0
_CONSUMED: Final = ("communication.v1", "profile.v1")
"""The topics that a round fills: the one that the source takes in, then the sink's."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What still has to happen. `lag` is by the databases' offsets, `untold` by those that Kafka was told of."""

    outbox: int
    work: int
    parked: int
    lag: int
    untold: int

    @property
    def nothing(self) -> bool:
        return not (self.outbox or self.work or self.parked or self.lag or self.untold)

    def __str__(self) -> str:
        return f"outbox {self.outbox}, work {self.work}, parked {self.parked}, lag {self.lag}, not told Kafka {self.untold}"


async def drain(system: System, timeline: Timeline, bound: float, tell: Callable[[str], None]) -> list[Violation]:
    """Wait until nothing is left to do, telling how far it is; what is left at the bound is stuck."""
    began = told = monotonic()
    while True:
        try:
            left = await _remaining(system)
        except TRANSIENT as error:
            left = None
            text = f"can't be read ({type(error).__name__})"
        else:
            text = str(left)
        if left is not None and left.nothing:
            return []
        if monotonic() - began > bound or (left is not None and left.parked):
            why = f"after {monotonic() - began:.0f} s without faults: {text}"
            return [Violation("stuck", f"{why}{await _parked_reasons(system)}", timeline.now())]
        if monotonic() - told > _TELL_SECONDS:
            told = monotonic()
            tell(f"draining: {text}")
        await asyncio.sleep(_LOOK_SECONDS)


async def _remaining(system: System) -> Remaining:
    """Read along the way that events take, so that nothing slips past: what was empty behind it stays so."""
    outbox = work = parked = lag = untold = 0
    for sender, receiver in ((SOURCE, SINK), (SINK, SOURCE)):
        async with connected(system.databases[sender].admin_dsn) as connection:
            parked += int(await connection.fetchval("SELECT count(*) FROM parked"))
            work += int(
                await connection.fetchval("SELECT count(*) FROM work WHERE kind = ANY($1::text[])", [ERRAND, ECHO])
            )
            outbox += int(await connection.fetchval("SELECT count(*) FROM outbox"))
        ends, taken = await end_offsets(system, receiver), await taken_in(system, receiver)
        lag += sum(max(end - taken.get(tp, 0), 0) for tp, end in ends.items())
        untold += await _untold(system, receiver, ends)
    return Remaining(outbox, work, parked, lag, untold)


async def end_offsets(system: System, service: int) -> dict[TopicPartition, int]:
    """How many records each partition of the topic that the round fills for a service got."""
    consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka.bootstrap)
    try:
        await consumer.start()
        wanted = [TopicPartition(_consumed(system, service), partition) for partition in range(PARTITIONS)]
        return cast("dict[TopicPartition, int]", await consumer.end_offsets(wanted))
    finally:
        await consumer.stop()


async def taken_in(system: System, service: int) -> dict[TopicPartition, int]:
    """How far the service's database is with the topic that the round fills for it."""
    topic = _consumed(system, service)
    async with connected(system.databases[service].admin_dsn) as connection:
        rows = await connection.fetch("SELECT partition, next_offset FROM offsets WHERE topic = $1", topic)
    return {TopicPartition(topic, row["partition"]): int(row["next_offset"]) for row in rows}


def _consumed(system: System, service: int) -> str:
    return system.topic_prefix + _CONSUMED[service]


async def _untold(system: System, service: int, ends: dict[TopicPartition, int]) -> int:
    """Records that Kafka's committed offsets do not cover: an erasure's fence waits for these."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka.bootstrap)
    try:
        await admin.start()
        group = f"{system.topic_prefix}{system.databases[service].app_role}.{_CONSUMED[service]}"
        committed = await admin.list_consumer_group_offsets(group)
        told = {tp: max(int(found.offset), 0) for tp, found in committed.items()}
        return sum(max(end - told.get(tp, 0), 0) for tp, end in ends.items())
    finally:
        await admin.close()


async def _parked_reasons(system: System) -> str:
    reasons: list[str] = []
    for database in system.databases:
        async with connected(database.admin_dsn) as connection:
            rows = await connection.fetch("SELECT reason, count(*) AS n FROM parked GROUP BY reason ORDER BY n DESC")
        reasons.extend(f"\n  {database.app_role} parked {row['n']}: {row['reason']}" for row in rows[:5])
    return "".join(reasons)


async def read_evidence(system: System, timeline: Timeline) -> Evidence:
    """Everything that was written, in the order in which it was."""
    source, sink = system.databases
    async with connected(source.admin_dsn) as connection:
        facts = await connection.fetch(
            "SELECT attempt, subject_id, sequence, accepted_at FROM facts ORDER BY subject_id, sequence"
        )
        echoes = await connection.fetch("SELECT subject_id, sequence FROM echoes ORDER BY arrival")
    async with connected(sink.admin_dsn) as connection:
        arrivals = await connection.fetch(
            "SELECT subject_id, sequence, event_id, readable, worker, arrived_at FROM arrivals ORDER BY arrival"
        )
        done = await connection.fetch("SELECT kind, subject_id, sequence FROM done ORDER BY id")
    return Evidence(
        facts=[Fact(attempt, subject, number, timeline.at(at)) for attempt, subject, number, at in facts],
        arrivals=[
            Arrival(subject, number, event_id, readable, worker, timeline.at(at))
            for subject, number, event_id, readable, worker, at in arrivals
        ],
        errands=_of_kind(done, ERRAND),
        steps=_of_kind(done, ECHO),
        echoes=[Numbered(subject, number) for subject, number in echoes],
    )


def _of_kind(done: list[asyncpg.Record], kind: str) -> list[Numbered]:
    return [Numbered(subject, number) for row_kind, subject, number in done if row_kind == kind]
