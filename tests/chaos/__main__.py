"""`python -m tests.chaos`: rounds of chaos over seeds, and a table of what they found."""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chassis.testing.containers import start_kafka, start_postgres

from tests.chaos.plan import plan
from tests.chaos.round import Outcome, play, table


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kills, freezes and cuts off real processes, broker, database and keyring under load, and finds "
        "what was lost, doubled, reordered or left undone. The same seed makes the same plan of faults.",
    )
    parser.add_argument("--seed", type=int, action="append", help="play this seed; may be given again")
    parser.add_argument("--seeds", type=int, default=1, help="without --seed: how many random ones (default 1)")
    parser.add_argument("--seconds", type=float, default=40, help="how long the load lasts (default 40)")
    parser.add_argument("--folder", type=Path, help="where logs and ledgers go (default: a new temporary folder)")
    parser.add_argument("--show-plan", action="store_true", help="print the plan of each seed and do nothing")
    chosen = parser.parse_args(arguments)
    seeds: list[int] = chosen.seed or [random.SystemRandom().randrange(1_000_000) for _ in range(chosen.seeds)]
    if chosen.show_plan:
        for seed in seeds:
            for fault in plan(seed, chosen.seconds):
                _say(f"{seed}  {fault.at:6.2f} s  {fault.kind} (target {fault.target}) for {fault.seconds} s")
        return 0
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="tillit-chaos-"))
    outcomes = asyncio.run(_play_all(seeds, chosen.seconds, folder))
    _say(table(outcomes))
    failed = [outcome for outcome in outcomes if outcome.violations]
    for outcome in failed:
        _say(f"\n{outcome.report()}")
    return 1 if failed else 0


async def _play_all(seeds: Sequence[int], seconds: float, folder: Path) -> list[Outcome]:
    kafka, postgres = start_kafka(), start_postgres()
    outcomes: list[Outcome] = []
    try:
        for seed in seeds:
            outcome = await play(kafka, postgres, folder / f"seed-{seed}", seed=seed, seconds=seconds, tell=_tell)
            outcomes.append(outcome)
            _tell(outcome.summary())
            if outcome.violations:
                _tell(outcome.report())
    finally:
        kafka.stop()
        postgres.stop()
    return outcomes


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
