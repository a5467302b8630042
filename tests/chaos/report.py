"""Writes what many rounds found: a page with a table and the violations, and a picture of each round."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.round import Outcome, table
from tests.chaos.starvation import means


def write_report(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """`report.md` and a `seed-N.svg` for each round; the answer is the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        (folder / f"seed-{outcome.seed}.svg").write_text(outcome.picture().svg(), encoding="utf-8")
    page = folder / "report.md"
    page.write_text("\n".join(_lines(outcomes)) + "\n", encoding="utf-8")
    return page


def _lines(outcomes: Sequence[Outcome]) -> list[str]:
    failed = [outcome for outcome in outcomes if outcome.violations]
    faults: Counter[str] = sum((outcome.faults for outcome in outcomes), Counter[str]())
    lines = [
        "# Chaos",
        "",
        f"{len(outcomes)} seeds, {len(failed)} with violations; {faults.total()} faults, "
        f"{sum(outcome.acknowledged for outcome in outcomes)} commands acknowledged, "
        f"{sum(outcome.erased for outcome in outcomes)} people erased.",
        "",
        f"Machine: {_machine()}. Starvation by {means()}.",
        "",
        table(outcomes, pictures=True),
        "",
        "## Faults, over all seeds",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {kind} | {count} |" for kind, count in sorted(faults.items())),
    ]
    if failed:
        lines += ["", "## Violations"]
        for outcome in failed:
            lines += ["", f"### Seed {outcome.seed}", "", "```", outcome.report(), "```"]
    if outcomes:
        shown = failed[0] if failed else outcomes[0]
        lines += ["", f"## Seed {shown.seed}", "", f"![what was struck and what was seen](seed-{shown.seed}.svg)"]
    return lines


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    versions = f"Linux {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} CPUs ({model}), {memory:.0f} GiB, {versions}"
