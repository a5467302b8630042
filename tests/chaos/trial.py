"""A system under load and watched: what rounds and named tests do to it differs, how it is judged does not."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.chaos.duties import Duties
from tests.chaos.evidence import drain, read_evidence
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.strike import Striker, until_all_ready
from tests.chaos.system import System
from tests.chaos.timeline import Timeline
from tests.chaos.verdict import Evidence, Violation, judge

DRAIN_BOUND: Final = 180.0
"""Generous: a killed worker's items come back when their lease of 30 s ends, and the machine may be busy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found once everything had drained."""

    evidence: Evidence
    violations: list[Violation]
    faults_over_at: float
    drain_seconds: float


@dataclass(frozen=True, slots=True)
class Trial:
    """The load runs from the start until `judged`."""

    system: System
    timeline: Timeline
    ledger: Ledger
    striker: Striker
    duties: Duties
    tell: Callable[[str], None]
    load: Load
    loading: asyncio.Task[None]

    async def judged(self) -> Verdict:
        """End the load, wait until nothing is left to do, and judge. Faults must be over."""
        await until_all_ready(self.system)
        self.load.stop()
        await self.loading
        over = self.timeline.now()
        self.tell(f"faults over after {over:.0f} s, {self.ledger.acknowledgements} commands acknowledged; draining")
        stuck = await drain(self.system, self.timeline, self.duties, DRAIN_BOUND, self.tell)
        drained = self.timeline.now() - over
        evidence = await read_evidence(self.system, self.timeline, self.ledger.erased)
        violations = [*self.striker.violations, *stuck, *judge(self.ledger, evidence)]
        return Verdict(evidence, violations, over, drained)


@asynccontextmanager
async def trial(system: System, folder: Path, seed: int, tell: Callable[[str], None]) -> AsyncGenerator[Trial]:
    """Load on a system; the seed decides what the clients ask for."""
    ledger, timeline = Ledger(folder / "ledger.jsonl"), Timeline()
    load = Load(system, ledger, timeline, seed)
    duties = Duties(system, ledger, timeline, load.people)
    striker = Striker(system, timeline, duties)
    await load.register_people()
    timeline.start()
    supervising, loading = asyncio.create_task(striker.supervise()), asyncio.create_task(load.run())
    try:
        yield Trial(system, timeline, ledger, striker, duties, tell, load, loading)
    finally:
        for task in (supervising, loading):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        ledger.close()
