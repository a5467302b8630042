"""One round: a seed's faults under load, a drain without faults, a verdict."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from chassis.clock import monotonic

from tests.chaos.picture import Picture
from tests.chaos.plan import plan
from tests.chaos.servers import ChaosKafka, ChaosPostgres
from tests.chaos.system import running
from tests.chaos.timeline import Timeline
from tests.chaos.trial import trial
from tests.chaos.verdict import Violation

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round found."""

    seed: int
    seconds: float
    acknowledged_at: Sequence[float]
    tried: int
    retries: int
    erased: int
    arrived_at: Sequence[float]
    """Without those of people who were erased since: nothing is left that tells."""
    faults: Counter[str]
    faults_over_at: float
    drain_seconds: float
    took_seconds: float
    violations: list[Violation]
    timeline: Timeline
    folder: Path

    @property
    def acknowledged(self) -> int:
        return len(self.acknowledged_at)

    @property
    def arrived(self) -> int:
        return len(self.arrived_at)

    @property
    def replay(self) -> str:
        return f"python -m tests.chaos --seed {self.seed} --seconds {self.seconds:g}"

    def summary(self) -> str:
        return (
            f"seed {self.seed}: {self.acknowledged} of {self.tried} commands acknowledged ({self.retries} retries), "
            f"{self.arrived} arrived, {self.erased} people erased, "
            f"drained in {self.drain_seconds:.1f} s, {len(self.violations)} violations, "
            f"{self.took_seconds:.0f} s in all; {_counted(self.faults)}"
        )

    def report(self) -> str:
        """Each violation with the faults around it, and how to have the same plan again."""
        lines = [f"seed {self.seed}: {len(self.violations)} violations; logs and ledger in {self.folder}"]
        lines.extend(_described(self.violations, self.timeline))
        lines.append(f"replay: {self.replay}")
        return "\n".join(lines)

    def picture(self) -> Picture:
        return Picture(
            title=f"seed {self.seed}: {self.seconds:g} s of load, {self.acknowledged} commands acknowledged",
            faults=self.timeline.faults,
            acknowledged=self.acknowledged_at,
            arrived=self.arrived_at,
            faults_over=self.faults_over_at,
            drained=self.faults_over_at + self.drain_seconds,
            violations=self.violations,
        )


async def play(
    kafka: ChaosKafka, postgres: ChaosPostgres, folder: Path, *, seed: int, seconds: float, tell: Callable[[str], None]
) -> Outcome:
    """Play a seed's round from an empty system to its verdict."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    began = monotonic()
    prefix = f"chaos{uuid4().hex[:8]}."
    faults = plan(seed, seconds)
    tell(f"seed {seed}: {len(faults)} faults in {seconds:g} s of load")
    try:
        async with running(kafka, postgres, folder, prefix) as system, trial(system, folder, seed, tell) as under_load:
            await asyncio.gather(under_load.striker.strike_all(faults), asyncio.sleep(seconds))
            verdict = await under_load.judged()
            ledger, timeline = under_load.ledger, under_load.timeline
            return Outcome(
                seed=seed,
                seconds=seconds,
                acknowledged_at=[e.acknowledged_at for e in ledger.attempts.values() if e.acknowledged_at is not None],
                tried=len(ledger.attempts),
                retries=ledger.retries,
                erased=len(ledger.erased),
                arrived_at=[arrival.at for arrival in verdict.evidence.arrivals],
                faults=timeline.counts(),
                faults_over_at=verdict.faults_over_at,
                drain_seconds=verdict.drain_seconds,
                took_seconds=monotonic() - began,
                violations=verdict.violations,
                timeline=timeline,
                folder=folder,
            )
    finally:
        await kafka.delete_topics_of(prefix)


def table(outcomes: Sequence[Outcome], *, pictures: bool = False) -> str:
    """The report of several rounds, as a Markdown table."""
    lines = [
        "| seed | acknowledged | only tried | retries | arrived | erased | faults | drained in | violations |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines.extend(
        f"| {f'[{o.seed}](seed-{o.seed}.svg)' if pictures else o.seed} | {o.acknowledged} | {o.tried - o.acknowledged} "
        f"| {o.retries} | {o.arrived} | {o.erased} | {_counted(o.faults)} | {o.drain_seconds:.1f} s "
        f"| {len(o.violations)} |"
        for o in outcomes
    )
    lines.append(
        f"| all | {sum(o.acknowledged for o in outcomes)} | {sum(o.tried - o.acknowledged for o in outcomes)} "
        f"| {sum(o.retries for o in outcomes)} | {sum(o.arrived for o in outcomes)} "
        f"| {sum(o.erased for o in outcomes)} | {sum(o.faults.total() for o in outcomes)} "
        f"| {max((o.drain_seconds for o in outcomes), default=0):.1f} s at most "
        f"| {sum(len(o.violations) for o in outcomes)} |"
    )
    return "\n".join(lines)


def _counted(faults: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items()))


def _described(violations: Sequence[Violation], timeline: Timeline) -> list[str]:
    """The first ones, each with the faults around it."""
    lines: list[str] = []
    for violation in violations[:_SHOWN]:
        at = "" if violation.at is None else f" at {violation.at:.1f} s"
        lines.append(f"- {violation.kind}{at}: {violation.text}")
        lines.extend(f"      {struck}" for struck in timeline.around(violation.at))
    if len(violations) > _SHOWN:
        kinds = Counter(violation.kind for violation in violations)
        lines.append(f"… and {len(violations) - _SHOWN} more; in all {dict(kinds)}")
    return lines
