"""`python -m tests.chaos`: rounds of chaos over seeds, and a table of what they found."""

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.chaos.plan import plan
from tests.chaos.report import write_report
from tests.chaos.round import Outcome, play, table
from tests.chaos.servers import start_servers


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kills, freezes, starves and cuts off real processes, broker, database and keyring under load, and "
        "finds what was lost, doubled, reordered or left undone. The same seed makes the same plan of faults.",
    )
    parser.add_argument("--seed", type=int, action="append", help="play this seed; may be given again")
    parser.add_argument("--seeds", type=int, default=1, help="without --seed: how many random ones (default 1)")
    parser.add_argument("--seconds", type=float, default=40, help="how long the load lasts (default 40)")
    parser.add_argument("--folder", type=Path, help="where logs and ledgers go (default: a new temporary folder)")
    parser.add_argument("--report", type=Path, help="write report.md and a picture of each round into this folder")
    parser.add_argument("--show-plan", action="store_true", help="print the plan of each seed and do nothing")
    chosen = parser.parse_args(arguments)
    seeds: list[int] = chosen.seed or [random.SystemRandom().randrange(1_000_000) for _ in range(chosen.seeds)]
    if chosen.show_plan:
        for seed in seeds:
            for fault in plan(seed, chosen.seconds):
                by = f", by {fault.by} s" if fault.by else ""
                _say(f"{seed}  {fault.at:6.2f} s  {fault.kind} (target {fault.target}) for {fault.seconds} s{by}")
        return 0
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a client that looks on while the broker is away
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="tillit-chaos-"))
    outcomes = uvloop.run(_play_all(seeds, chosen.seconds, folder, chosen.report))
    _say(table(outcomes))
    if chosen.report is not None:
        _say(f"\nreport: {chosen.report / 'report.md'}")
    failed = [outcome for outcome in outcomes if outcome.violations]
    for outcome in failed:
        _say(f"\n{outcome.report()}")
    return 1 if failed else 0


async def _play_all(seeds: Sequence[int], seconds: float, folder: Path, report: Path | None) -> list[Outcome]:
    """One after the other on the same servers. The report is as far as the rounds are, should something end them."""
    kafka, postgres = start_servers()
    outcomes: list[Outcome] = []
    try:
        for seed in seeds:
            outcome = await play(kafka, postgres, folder / f"seed-{seed}", seed=seed, seconds=seconds, tell=_tell)
            outcomes.append(outcome)
            _tell(outcome.summary())
            if outcome.violations:
                _tell(outcome.report())
            if report is not None:
                write_report(outcomes, report)
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
