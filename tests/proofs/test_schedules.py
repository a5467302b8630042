"""Whatever happens in which order, nobody who was erased comes back, and whoever lives has all they told (3, 4)."""

import random
import sys
from pathlib import Path
from typing import Final

import pytest
from chassis.clock import monotonic
from chassis.testing.containers import Postgres

from tests.proofs.opening import town
from tests.proofs.planted import PLANTED, Plant
from tests.proofs.play import play, search, shortened
from tests.proofs.remain import REMAIN
from tests.proofs.schedule import WEIGHTS, Kind, Step, draw
from tests.proofs.settings import ProofsSettings

_SMOKE: Final = 30
_LONG: Final = 10_000
_PLANTED_SEED: Final = 7
_PLANTED_WITHIN: Final = 60
_FOUND_SOON: Final = frozenset(
    {"the_guard_lets_everything_run", "a_destroyed_key_is_made_again", "a_table_is_forgotten"}
)
"""Planted bugs that are looked for each time; the others, which take a minute each, with the long tests."""


def _seed() -> int:
    given = ProofsSettings().seed
    return random.SystemRandom().randrange(1_000_000) if given is None else given


def _tell(text: str) -> None:
    sys.stderr.write(f"\nproofs: {text}")
    sys.stderr.flush()


@pytest.mark.timeout(600)
async def test_nobody_comes_back_in_schedules_of_another_seed_each_time(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seed is printed; TILLIT_PROOFS_SEED sets it."""
    seed = _seed()
    with capsys.disabled():
        _tell(f"seed {seed}, {_SMOKE} schedules")
        failure = await search(postgres, seed, 0, _SMOKE)
    assert failure is None, str(failure)


@pytest.mark.long
@pytest.mark.timeout(0)
async def test_nobody_comes_back_in_ten_thousand_schedules(
    postgres: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seed is printed; `python -m tests.proofs` goes on where this ended."""
    seed, began = _seed(), monotonic()

    def tell(number: int) -> None:
        if number % 250 == 249:
            _tell(f"seed {seed}: {number + 1} of {_LONG}, {(number + 1) / (monotonic() - began):.1f} a second")

    with capsys.disabled():
        _tell(f"seed {seed}, {_LONG} schedules")
        failure = await search(postgres, seed, 0, _LONG, tell)
    assert failure is None, str(failure)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(plant, id=name, marks=() if name in _FOUND_SOON else pytest.mark.long)
        for name, plant in PLANTED.items()
    ],
)
async def test_a_planted_bug_is_found_by_the_schedules(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    """They can fail: each of these bugs is one that a service could have, and none needs luck."""
    plant(monkeypatch)
    failure = await search(postgres, _PLANTED_SEED, 0, _PLANTED_WITHIN, shorten=False)
    assert failure is not None, f"{_PLANTED_WITHIN} schedules of seed {_PLANTED_SEED} did not find it"
    assert failure.why


async def test_a_failing_schedule_is_made_short(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What is left fails still, and most of it needs to be there."""
    PLANTED["a_table_is_forgotten"](monkeypatch)
    needed = [Step(Kind.REGISTER, 0, 0, 0), Step(Kind.INTEREST, 0, 0, 0), Step(Kind.DELETE, 0, 0, 1)]
    noise = [Step(Kind.POSITION, 0, 0, 0), Step(Kind.PASS_TIME, 0, 0, 0), Step(Kind.RELAY, 0, 0, 0)]
    async with town(postgres, tmp_path) as place:
        why = await play(place, [*noise, *needed, *noise])
        assert why is not None
        assert "1 in interests" in why
        short, still = await shortened(place, [*noise, *needed, *noise], why)
    assert short == needed
    assert "1 in interests" in still


def test_a_schedule_is_the_same_wherever_it_is_drawn() -> None:
    assert draw(11, 3) == draw(11, 3)
    assert draw(11, 3) != draw(11, 4)
    assert draw(12, 3) != draw(11, 3)


def test_every_kind_of_step_is_drawn_now_and_then() -> None:
    assert set(WEIGHTS) == set(Kind)
    drawn = {step.kind for number in range(60) for step in draw(1, number)}
    assert drawn == set(Kind)


def test_whatever_may_remain_says_why() -> None:
    assert all(len(entry.why.split()) >= 5 for entry in REMAIN.values())
