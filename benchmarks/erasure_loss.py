"""`python -m benchmarks.erasure_loss`: what one erasure a second takes from everybody else's throughput.

The same events are published about the same people, as fast as all who read them take them in, alone and while others
leave, in turn. What the erasures publish is waited for by nobody. They begin some seconds before, and a line tells how many
a second were done, so that it can be seen whether all their stages fell into the time.
"""

import argparse
import asyncio
import math
import os
import statistics
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import uvloop
from chassis.clock import monotonic
from chassis.service import Service
from chassis.sql import Connection, connect
from chassis.topic_offsets import OffsetReader, offset_reader
from contracts.personal import SubjectId
from contracts.profile import ProfileCorrected
from local_stack.stack import StackInfo
from tillit_cli.operator_calls import operating
from tillit_cli.proof.kafka_records import consumer_groups
from tillit_cli.settled import wait_until_settled

from benchmarks.erasure import correct, leave, people, profile_of, running, stage_seconds
from chassis import logs

_TOGETHER: Final = 50
_AHEAD: Final = 2_000
"""Events that are published while as many before them are taken in. With no bound an erasure would wait behind all of them,
and most of its work would come after the time that is measured."""
_LEAD_SECONDS: Final = 5
_LOOK_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 300.0
_TOPIC: Final = ProfileCorrected.topic.name


class Pace:
    """Publishes everybody else's events, and sees when they were taken in; its questions cost the same each time."""

    def __init__(
        self,
        profile: Service,
        crowd: Sequence[SubjectId],
        offsets: OffsetReader,
        sender: Connection,
        readers: Sequence[Connection],
    ) -> None:
        self._profile = profile
        self._crowd = crowd
        self._offsets = offsets
        self._sender = sender
        self._readers = readers

    async def seconds(self, events: int) -> float:
        """From the first published to the last taken in by its last reader."""
        began = monotonic()
        before = asyncio.create_task(self._taken_in())
        for start in range(0, events, _AHEAD):
            for first in range(start, min(start + _AHEAD, events), _TOGETHER):
                await correct(self._profile, [self._crowd[(first + n) % len(self._crowd)] for n in range(_TOGETHER)])
            await before
            before = asyncio.create_task(self._taken_in())
        await before
        return monotonic() - began

    async def _taken_in(self) -> None:
        await self._sent()
        ends = (await self._offsets.ends([_TOPIC]))[_TOPIC]
        for reader in self._readers:
            while await _behind(reader, ends):
                await asyncio.sleep(_LOOK_SECONDS)

    async def _sent(self) -> None:
        last = await self._sender.fetchval("SELECT max(position) FROM outbox")
        while last is not None:
            first = await self._sender.fetchval("SELECT min(position) FROM outbox")
            if first is None or first > last:
                return
            await asyncio.sleep(_LOOK_SECONDS)


async def _behind(reader: Connection, ends: Mapping[int, int]) -> bool:
    rows = await reader.fetch("SELECT partition, next_offset FROM offsets WHERE topic = $1", _TOPIC)
    places = {row["partition"]: row["next_offset"] for row in rows}
    return any(places.get(partition, 0) < end for partition, end in ends.items())


@asynccontextmanager
async def pacing(info: StackInfo, profile: Service) -> AsyncGenerator[Pace]:
    """The pace of events about five hundred people who stay."""
    crowd = await people(profile, 500, 1)
    groups = await consumer_groups(info.kafka_bootstrap)
    readers = [name for name in info.services if f"{name}.{_TOPIC}" in groups]
    async with AsyncExitStack() as stack:
        offsets = await stack.enter_async_context(offset_reader(info.kafka_bootstrap))
        connections = [await connect(info.databases[name.replace("-", "_")]) for name in ("profile", *readers)]
        for connection in connections:
            stack.push_async_callback(connection.close)
        yield Pace(profile, crowd, offsets, connections[0], connections[1:])


async def loss(events: int, rounds: int) -> list[str]:
    """A line for each round, and the median of what was lost."""
    lines: list[str] = []
    ratios: list[float] = []
    async with (
        running() as info,
        operating(info) as operator,
        profile_of(info) as profile,
        pacing(info, profile) as pace,
    ):
        usual = await pace.seconds(events)
        for number in range(rounds):
            leaving = await people(profile, math.ceil(usual * 2) + _LEAD_SECONDS, 10)
            took = dict[str, float]()
            for what in ("alone", "beside") if number % 2 == 0 else ("beside", "alone"):
                await wait_until_settled(info, operator, seconds=_PATIENCE_SECONDS)
                if what == "alone":
                    took[what] = usual = await pace.seconds(events)
                else:
                    took[what], done = await _beside(info, profile, pace, events, leaving)
                    lines.append(f"{done:.2f} erasures a second were done meanwhile")
            ratios.append(took["alone"] / took["beside"])
            lines.append(
                f"alone {events / took['alone']:,.0f} events/s for {took['alone']:.0f} s,"
                f" beside one erasure a second {events / took['beside']:,.0f}/s: {ratios[-1]:.3f}"
            )
    return [*lines, f"lost to one erasure a second: {1 - statistics.median(ratios):.1%} (aim: < 7%)"]


async def _beside(
    info: StackInfo, profile: Service, pace: Pace, events: int, leaving: Sequence[SubjectId]
) -> tuple[float, float]:
    """How long it took, and how many erasures a second were done in that time. Ends when all that were begun are done."""
    background = asyncio.create_task(leave(profile, leaving, 1.0))
    await asyncio.sleep(_LEAD_SECONDS)
    before = await _done(info, leaving)
    seconds = await pace.seconds(events)
    done = len((await _done(info, leaving)) - before) / seconds
    if background.done():
        raise RuntimeError("too few people left for this round: it was longer than twice the one before")
    background.cancel()
    await asyncio.wait([background])
    await asyncio.sleep(1)
    await stage_seconds(info, list(await _begun(info, leaving)))
    return seconds, done


async def _begun(info: StackInfo, subjects: Sequence[SubjectId], *, done: bool = False) -> set[SubjectId]:
    connection = await connect(info.databases["retention"])
    try:
        rows = await connection.fetch(
            "SELECT subject_id FROM erasures WHERE subject_id = ANY($1::uuid[]) AND (done_at IS NOT NULL OR NOT $2)",
            list(subjects),
            done,
        )
    finally:
        await connection.close()
    return {SubjectId(row["subject_id"]) for row in rows}


async def _done(info: StackInfo, subjects: Sequence[SubjectId]) -> set[SubjectId]:
    return await _begun(info, subjects, done=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.erasure_loss", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of everybody else, each time")
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    for line in uvloop.run(loss(args.events, args.rounds)):
        print(line)


if __name__ == "__main__":
    main()
