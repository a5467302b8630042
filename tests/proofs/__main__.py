"""`python -m tests.proofs`: plays schedules of erasures, restores and late events, and finds whoever comes back."""

import argparse
import io
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop
from chassis.clock import monotonic
from chassis.logs import configure
from chassis.testing.containers import start_postgres

from tests.proofs.play import search


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.proofs",
        description="Plays schedules: people come and go, services are restored, records come late, again and out of "
        "order, keys rotate; after every step nobody who was erased is anywhere. The same seed makes the same schedules.",
    )
    parser.add_argument("--seed", type=int, help="default: a random one, printed")
    parser.add_argument("--schedules", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, help="the first one's number: to go on, or to play one again")
    parser.add_argument("--progress", type=Path, help="write how far it is into this file, now and then")
    chosen = parser.parse_args(arguments)
    seed: int = random.SystemRandom().randrange(1_000_000) if chosen.seed is None else chosen.seed
    configure("proofs", "ERROR", io.StringIO())  # what is broken on purpose is told by nobody
    _say(f"seed {seed}, schedules {chosen.first} to {chosen.first + chosen.schedules - 1}")
    began, postgres = monotonic(), start_postgres()

    def tell(number: int) -> None:
        played = number + 1 - chosen.first
        line = f"seed {seed}: {number + 1} played, none failed; {played / (monotonic() - began):.2f} a second"
        if chosen.progress is not None and played % 10 == 0:
            chosen.progress.write_text(f"{line}; go on with --first {number + 1}\n")
        if played % 100 == 0:
            _say(line)

    try:
        failure = uvloop.run(search(postgres, seed, chosen.first, chosen.schedules, tell))
    finally:
        postgres.stop()
    _say(f"{chosen.schedules} schedules, none failed" if failure is None else str(failure))
    return 0 if failure is None else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
