"""`python -m benchmarks.stages`: where the time of one event goes, stage by stage, one batch after the other."""

import argparse
import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, STDOUT
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import uvloop
from chassis.batch import BatchRunner
from chassis.process import tune_memory
from chassis.service import Service
from chassis.testing.services import deliver_sealed
from chassis.transaction import Transaction
from contracts.personal import Category
from contracts.profile import JobInterestSaved
from contracts.purposes import PurposeId

from benchmarks.rig import Rig, message, servers, store_many, store_one
from benchmarks.throughput import outgoing_events
from chassis import inbox, logs, offsets, outbox, run, subjects

PEOPLE = 5_000
STAGES: Sequence[tuple[str, object, str]] = (
    ("validation: envelope and body", BatchRunner, "sort"),
    ("keys from the cache", BatchRunner, "fetch_keys"),
    ("locks: people's rows", subjects, "lock"),
    ("inbox", inbox, "add_new"),
    ("opening what was sealed", run, "join"),
    ("sealing the row", Transaction, "seal"),
    ("sealing what is published", Transaction, "publish"),
    ("reaction's statement", Transaction, "execute"),
    ("outbox", outbox, "insert"),
    ("offsets", offsets, "advance"),
)
"""Functions whose own time is a stage; none of them calls another."""
REST = "begin, commit, and what runs between"


class Stopwatch:
    """Adds up how long each stage took, in seconds of wall time."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def watching(self) -> Generator[None]:
        """Every stage is measured until the block ends."""
        patches = [patch.object(owner, name, self._timed(stage, getattr(owner, name))) for stage, owner, name in STAGES]
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in patches:
                each.stop()

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(function):

            @wraps(function)
            async def later(*args: object, **options: object) -> object:
                began = time.perf_counter()
                try:
                    return await cast("Callable[..., Awaitable[object]]", function)(*args, **options)
                finally:
                    self.seconds[stage] += time.perf_counter() - began

            return later

        @wraps(function)
        def now(*args: object, **options: object) -> object:
            began = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                self.seconds[stage] += time.perf_counter() - began

        return now


async def publish_one(event: JobInterestSaved, tx: Transaction) -> None:
    """What `store_one` does, and an event of its own."""
    await store_one(event, tx)
    tx.publish(message(event, tx))


@asynccontextmanager
async def profiled(picture: Path) -> AsyncGenerator[None]:
    """A flame graph of this process while the block runs.

    Raises:
        SystemExit: the profiler did not begin; what it said.
    """
    command = ("py-spy", "record", "--pid", str(os.getpid()), "--rate", "150", "--output", str(picture))
    profiler = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    stdout = cast("asyncio.StreamReader", profiler.stdout)
    said = await stdout.readline()
    while said and b"Sampling" not in said:
        said = await stdout.readline()
    if not said:
        raise SystemExit("py-spy did not begin: it needs leave to look at processes (root, or CAP_SYS_PTRACE)")
    try:
        yield
    finally:
        profiler.send_signal(signal.SIGINT)
        await profiler.communicate()


async def _draw(name: str, events: int, picture: Path) -> None:
    """The flame graph of one column, warmed up and without the stopwatch."""
    async with servers() as rig:
        people = await asyncio.to_thread(rig.people, PEOPLE)
        async with rig.service(COLUMNS[name], Category.COMMUNICATION) as service:
            sent = await outgoing_events(service, people, events * 2)
            await deliver_sealed(service, sent[:events])
            async with profiled(picture):
                await deliver_sealed(service, sent[events:])


async def _measure(rig: Rig, events: int, declare: Callable[[Service], None]) -> dict[str, float]:
    """Microseconds per event of every stage, and of all."""
    people = await asyncio.to_thread(rig.people, PEOPLE)
    async with rig.service(declare, Category.COMMUNICATION) as service:
        sent = await outgoing_events(service, people, events * 2)
        await deliver_sealed(service, sent[:events])
        watch = Stopwatch()
        began = time.perf_counter()
        with watch.watching():
            await deliver_sealed(service, sent[events:])
        whole = time.perf_counter() - began
    watch.seconds[REST] = whole - sum(watch.seconds.values())
    return {stage: seconds / events * 1e6 for stage, seconds in watch.seconds.items()} | {"all": whole / events * 1e6}


COLUMNS: Mapping[str, Callable[[Service], None]] = {
    "batch reaction": lambda s: s.store_batch(JobInterestSaved, store_many, purpose=PurposeId.P4),
    "single-event reaction": lambda s: s.store(JobInterestSaved, store_one, purpose=PurposeId.P4),
    "and it publishes": lambda s: s.store(JobInterestSaved, publish_one, purpose=PurposeId.P4),
}


async def _table(names: Sequence[str], events: int) -> str:
    async with servers() as rig:
        columns = [await _measure(rig, events, COLUMNS[name]) for name in names]
    lines = [f"| microseconds per event | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for stage in [*(stage for stage, _, _ in STAGES), REST, "all"]:
        cells = (f"{column[stage]:.0f}" if column.get(stage) else "" for column in columns)
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("--events", type=int, default=5_000, help="events of each column, after as many to warm up")
    parser.add_argument("--only", choices=COLUMNS, help="one column, for a profiler")
    parser.add_argument("--flame", type=Path, help="draw a flame graph of that column instead, into this file")
    args = parser.parse_args()
    logs.configure("benchmarks", "CRITICAL")
    tune_memory()
    if args.flame is not None:
        if args.only is None:
            parser.error("--flame draws one column: say which with --only")
        uvloop.run(_draw(args.only, args.events, args.flame))
        return
    print(uvloop.run(_table([args.only] if args.only else list(COLUMNS), args.events)))


if __name__ == "__main__":
    main()
