"""Reads what the system holds: how much is left to do while it drains, and everything that was written once it has."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from chassis.clock import monotonic
from chassis.errors import TRANSIENT
from chassis.testing.containers import connected

from tests.chaos import sink_service, source_service
from tests.chaos.duties import Duties
from tests.chaos.facts import ECHO, ERRAND
from tests.chaos.system import PARTITIONS, SINK, SOURCE, System
from tests.chaos.timeline import Timeline
from tests.chaos.verdict import Answered, Arrival, Evidence, Fact, Left, Numbered, Violation

_LOOK_SECONDS: Final = 0.5
_LOOK_BOUND: Final = 15.0
_TELL_SECONDS: Final = 5.0
_CONSUMED: Final = (("communication.v1", "erasure.v1"), ("profile.v1", "erasure.v1"))
"""The topics that a round fills: those that the source takes in, then the sink's; the busiest first."""
_PERSONAL: Final = (
    (source_service.HOLDER, SOURCE, ("idempotency_keys", "work")),
    (sink_service.HOLDER, SINK, ("idempotency_keys", "work")),
)
_REPLIES_SECONDS: Final = 20.0


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


async def drain(
    system: System, timeline: Timeline, duties: Duties, bound: float, tell: Callable[[str], None]
) -> list[Violation]:
    """Cure poison for good, then wait until nothing is left to do, replaying what is parked and telling how far it is.

    What is left at the bound is stuck.
    """
    began = told = monotonic()
    unexpected = await duties.unexpected()
    system.cure.touch()
    while True:
        try:
            async with asyncio.timeout(_LOOK_BOUND):
                left = await _remaining(system)
        except TRANSIENT as error:
            left = None
            text = f"can't be read ({type(error).__name__})"
        else:
            text = str(left)
        if left is not None and left.nothing:
            return unexpected
        if monotonic() - began > bound:
            why = f"after {monotonic() - began:.0f} s without faults: {text}"
            return [*unexpected, Violation("stuck", f"{why}{await _parked_reasons(system)}", timeline.now())]
        if left is not None and left.parked:
            await duties.replay_once()
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
        for topic in _CONSUMED[receiver]:
            ends, taken = await end_offsets(system, receiver, topic), await taken_in(system, receiver, topic)
            lag += sum(max(end - taken.get(tp, 0), 0) for tp, end in ends.items())
            untold += await _untold(system, receiver, topic, ends)
    return Remaining(outbox, work, parked, lag, untold)


async def end_offsets(system: System, service: int, topic: str | None = None) -> dict[TopicPartition, int]:
    """How many records each partition of a topic that the round fills for a service got; its busiest without one."""
    consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka.bootstrap)
    try:
        await consumer.start()
        wanted = [TopicPartition(_consumed(system, service, topic), partition) for partition in range(PARTITIONS)]
        return cast("dict[TopicPartition, int]", await consumer.end_offsets(wanted))
    finally:
        await consumer.stop()


async def taken_in(system: System, service: int, topic: str | None = None) -> dict[TopicPartition, int]:
    """How far the service's database is with that topic."""
    name = _consumed(system, service, topic)
    async with connected(system.databases[service].admin_dsn) as connection:
        rows = await connection.fetch("SELECT partition, next_offset FROM offsets WHERE topic = $1", name)
    return {TopicPartition(name, row["partition"]): int(row["next_offset"]) for row in rows}


def _consumed(system: System, service: int, topic: str | None) -> str:
    return system.topic_prefix + (topic or _CONSUMED[service][0])


async def _untold(system: System, service: int, topic: str, ends: dict[TopicPartition, int]) -> int:
    """Records that Kafka's committed offsets do not cover: an erasure's fence waits for these."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.kafka.bootstrap)
    try:
        await admin.start()
        group = f"{system.topic_prefix}{system.databases[service].app_role}.{topic}"
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


async def read_evidence(system: System, timeline: Timeline, erased: Collection[UUID]) -> Evidence:
    """Everything that was written, in the order in which it was, and what is left of the erased."""
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
        answered=await _answered(system) if erased else (),
        left=await _left(system, erased) if erased else (),
    )


async def _left(system: System, erased: Collection[UUID]) -> list[Left]:
    """What the declared tables, and the chassis' own, still have of people who were erased."""
    found: list[Left] = []
    for holder, service, own in _PERSONAL:
        owners = {table.table: f"{table.owner} = ANY($1::uuid[])" for table in holder.tables}
        owners |= dict.fromkeys(own, "subject_id = ANY($1::uuid[])")
        async with connected(system.databases[service].admin_dsn) as connection:
            for table, condition in owners.items():
                rows = await connection.fetch(
                    f"SELECT subject_id, count(*) AS left FROM {table} WHERE {condition} GROUP BY subject_id",
                    list(erased),
                )
                found.extend(Left(holder.name, table, row["subject_id"], row["left"]) for row in rows)
            for person in erased:
                rows = await connection.fetch("SELECT id FROM parked WHERE subject_ids @> ARRAY[$1::uuid]", person)
                if rows:
                    found.append(Left(holder.name, "parked", person, len(rows)))
    return found


async def _answered(system: System) -> list[Answered]:
    """Every answer of a holder to an erasure; a relay may have sent one twice, with the same id."""
    name = f"{system.topic_prefix}erasure-replies.v1"
    consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka.bootstrap)
    found: list[Answered] = []
    try:
        await consumer.start()
        partitions = [TopicPartition(name, partition) for partition in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
        for tp in partitions:
            consumer.seek(tp, 0)
        async with asyncio.timeout(_REPLIES_SECONDS):
            for tp in partitions:
                while await consumer.position(tp) < ends[tp]:
                    got = cast(
                        "dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]",
                        await consumer.getmany(tp, timeout_ms=500),
                    )
                    for record in got.get(tp, []):
                        headers = dict(record.headers)
                        found.append(
                            Answered(
                                headers["ce_source"].decode(),
                                UUID((record.key or b"").decode()),
                                UUID(headers["ce_id"].decode()),
                            )
                        )
    finally:
        await consumer.stop()
    return found


def _of_kind(done: list[asyncpg.Record], kind: str) -> list[Numbered]:
    return [Numbered(subject, number) for row_kind, subject, number in done if row_kind == kind]
