"""Nothing acknowledged is lost, doubled, reordered or stuck, whatever single process or server fails when (1, 2, 7)."""

import random
import sys
from pathlib import Path

import pytest
from chassis.testing.containers import Kafka, Postgres

from tests.chaos.round import play
from tests.chaos.settings import ChaosSettings

_SHORT_SECONDS = 12
_LONG_SECONDS = 40
_LONG_SEEDS = range(1, 11)


async def test_a_short_round_of_random_faults_breaks_nothing(
    kafka: Kafka, postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another seed each time, printed; TILLIT_CHAOS_SEED sets it."""
    given = ChaosSettings().seed
    seed = random.SystemRandom().randrange(1_000_000) if given is None else given
    with capsys.disabled():
        await _play(kafka, postgres, tmp_path, seed, _SHORT_SECONDS)


@pytest.mark.long
@pytest.mark.parametrize("seed", _LONG_SEEDS)
async def test_a_long_round_of_the_seeds_faults_breaks_nothing(
    kafka: Kafka, postgres: Postgres, tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int
) -> None:
    with capsys.disabled():
        await _play(kafka, postgres, tmp_path, seed, _LONG_SECONDS)


async def _play(kafka: Kafka, postgres: Postgres, folder: Path, seed: int, seconds: float) -> None:
    outcome = await play(kafka, postgres, folder, seed=seed, seconds=seconds, tell=_tell)
    _tell(outcome.summary())
    assert not outcome.violations, outcome.report()
    assert outcome.acknowledged > 0, f"no command was ever acknowledged; {outcome.replay}"


def _tell(text: str) -> None:
    sys.stderr.write(f"\nchaos: {text}")
    sys.stderr.flush()
