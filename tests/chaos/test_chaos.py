"""Nothing acknowledged is lost, doubled, reordered or stuck, whatever single process or server fails when (1, 2, 7)."""

import random
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.report import write_report
from tests.chaos.round import Outcome, play
from tests.chaos.servers import ChaosKafka, ChaosPostgres
from tests.chaos.settings import ChaosSettings
from tests.chaos.supervised import ROOT

_SHORT_SECONDS: Final = 12
_LONG_SECONDS: Final = 10
_LONG_SEEDS: Final = range(1, 51)


async def test_a_short_round_of_random_faults_breaks_nothing(
    kafka: ChaosKafka, postgres: ChaosPostgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another seed each time, printed; TILLIT_CHAOS_SEED sets it."""
    given = ChaosSettings().seed
    seed = random.SystemRandom().randrange(1_000_000) if given is None else given
    with capsys.disabled():
        _judge(await play(kafka, postgres, tmp_path, seed=seed, seconds=_SHORT_SECONDS, tell=_tell))


@pytest.fixture(scope="module")
def reported(pytestconfig: pytest.Config) -> Generator[list[Outcome]]:
    """The long rounds' outcomes, which become a report with pictures in the repository's ignored folder."""
    outcomes: list[Outcome] = []
    yield outcomes
    if outcomes:
        page = write_report(outcomes, ROOT / ".tillit" / "chaos")
        reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
        if isinstance(reporter, pytest.TerminalReporter):
            reporter.write_line(f"\nchaos: report of {len(outcomes)} rounds in {page}")


@pytest.mark.long
@pytest.mark.parametrize("seed", _LONG_SEEDS)
async def test_the_faults_of_every_seed_break_nothing(
    kafka: ChaosKafka,
    postgres: ChaosPostgres,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    reported: list[Outcome],
    seed: int,
) -> None:
    with capsys.disabled():
        outcome = await play(kafka, postgres, tmp_path, seed=seed, seconds=_LONG_SECONDS, tell=_tell)
    reported.append(outcome)
    _judge(outcome)


def _judge(outcome: Outcome) -> None:
    _tell(outcome.summary())
    assert not outcome.violations, outcome.report()
    assert outcome.acknowledged > 0, f"no command was ever acknowledged; {outcome.replay}"


def _tell(text: str) -> None:
    sys.stderr.write(f"\nchaos: {text}")
    sys.stderr.flush()
