"""A system under load for a named test, which strikes by hand and waits for conditions, never for a length of time."""

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import httpx
from chassis.clock import monotonic
from chassis.testing.containers import connected

from tests.chaos.servers import ChaosKafka, ChaosPostgres
from tests.chaos.supervised import Supervised
from tests.chaos.system import SINK, System, running
from tests.chaos.trial import Trial, trial

T = TypeVar("T")

_BOUND_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 0.1
_MOVED: Final = re.compile(r'^tillit_batch_retries_total\{[^}]*reason="offset moved"[^}]*\} ([0-9.]+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a named test may do to the system, and ask of it."""

    trial: Trial

    @property
    def system(self) -> System:
        return self.trial.system

    @asynccontextmanager
    async def frozen(self, process: Supervised) -> AsyncGenerator[None]:
        """SIGSTOP, then SIGCONT, whatever happens in between."""
        async with process.lock:
            struck = self.trial.timeline.began("freeze", f"{process.name} (pid {process.pid})", process.name)
            process.freeze()
            try:
                yield
            finally:
                process.wake()
                self.trial.timeline.ended(struck)

    @asynccontextmanager
    async def people_locked(self) -> AsyncGenerator[None]:
        """Every transaction of the sink about a person waits for its lock until the block ends."""
        async with connected(self.system.databases[SINK].admin_dsn) as connection, connection.transaction():
            await connection.execute("SELECT subject_id FROM subjects ORDER BY subject_id FOR UPDATE")
            yield

    async def arrivals(self) -> int:
        async with connected(self.system.databases[SINK].admin_dsn) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM arrivals"))

    async def more_arrivals_than(self, count: int) -> bool:
        return await self.arrivals() > count

    async def rolled_back(self, process: Supervised) -> int:
        """How many batches of this process met an offset that another worker had moved; 0 while it does not answer."""
        with suppress(httpx.HTTPError):
            measures = await self.system.http.get(f"{process.url}/metrics", timeout=2)
            return sum(int(float(count)) for count in _MOVED.findall(measures.text))
        return 0

    async def violations(self) -> list[str]:
        """End the load, let everything drain, and judge; each violation with the faults."""
        verdict = await self.trial.judged()
        return [
            f"{violation.kind}: {violation.text} {[str(struck) for struck in self.trial.timeline.around(violation.at)]}"
            for violation in verdict.violations
        ]

    def tell(self, text: str) -> None:
        tell(text)


@asynccontextmanager
async def experiment(
    kafka: ChaosKafka, postgres: ChaosPostgres, prefix: str, folder: Path
) -> AsyncGenerator[Experiment]:
    """A system that is up and under load."""
    async with running(kafka, postgres, folder, prefix) as system, trial(system, folder, 0, tell) as under_load:
        yield Experiment(under_load)


async def until(what: str, condition: Callable[[], Awaitable[T | None]], within: float = _BOUND_SECONDS) -> T:
    """What the condition gives as soon as it gives something true.

    Raises:
        AssertionError: it did not within the (generous) bound.
    """
    began = monotonic()
    while monotonic() - began < within:
        found = await condition()
        if found:
            return found
        await asyncio.sleep(_LOOK_SECONDS)
    raise AssertionError(f"waited {within:.0f} s in vain for {what}")


def tell(text: str) -> None:
    """To the person at the terminal, if pytest shows it."""
    sys.stderr.write(f"chaos: {text}\n")
    sys.stderr.flush()
