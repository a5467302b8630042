"""Plays schedules, and makes a failing one short: the steps without which it does not fail are what is shown."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from chassis.recovery import TooOld
from chassis.testing.containers import Postgres

from tests.proofs.actions import Play
from tests.proofs.invariants import Violation, after_each_step, once_settled
from tests.proofs.opening import town
from tests.proofs.schedule import Schedule, draw, shown
from tests.proofs.town import NeverEnds, Town

PER_TOWN: Final = 40
"""Schedules that share their databases; every erasure leaves an empty row of a key in them."""
_PATIENCE: Final = 60.0
_TRIES: Final = 60


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule that must not have gone as it did."""

    seed: int
    number: int
    schedule: Schedule
    why: str

    def __str__(self) -> str:
        again = f"python -m tests.proofs --seed {self.seed} --first {self.number} --schedules 1"
        return f"schedule {self.number} of seed {self.seed}: {self.why}\nplay it again: {again}\n{shown(self.schedule)}"


async def play(place: Town, schedule: Schedule) -> str | None:
    """Why it failed; None when everything held that must."""
    await place.anew()
    playing = Play(place)
    try:
        async with asyncio.timeout(_PATIENCE):
            for step in schedule:
                await playing.do(step)
                await after_each_step(playing)
            await playing.end()
            await once_settled(playing)
    except (Violation, NeverEnds, TooOld) as broken:
        return str(broken)
    except TimeoutError:
        return f"it took longer than {_PATIENCE} s"
    return None


async def shortened(place: Town, schedule: Schedule, why: str) -> tuple[Schedule, str]:
    """The shortest found of what fails, by leaving out its end, and then single steps."""
    best, reason, tries = list(schedule), why, 0
    part = len(best) // 2
    while part and tries < _TRIES:
        start = 0
        while start < len(best) and tries < _TRIES:
            candidate = best[:start] + best[start + part :]
            tries += 1
            found = await play(place, candidate)
            if found is None:
                start += part
            else:
                best, reason = candidate, found
        part //= 2
    return best, reason


async def search(
    postgres: Postgres,
    seed: int,
    first: int,
    schedules: int,
    tell: Callable[[int], None] | None = None,
    *,
    shorten: bool = True,
) -> Failure | None:
    """The first of these schedules that fails, made short unless that is not asked for; None when none does."""
    number, end = first, first + schedules
    while number < end:
        async with _town(postgres) as place:
            for _ in range(min(PER_TOWN, end - number)):
                schedule = draw(seed, number)
                why = await play(place, schedule)
                if why is not None:
                    short = await shortened(place, schedule, why) if shorten else (schedule, why)
                    return Failure(seed, number, *short)
                if tell is not None:
                    tell(number)
                number += 1
    return None


@asynccontextmanager
async def _town(postgres: Postgres) -> AsyncGenerator[Town]:
    with TemporaryDirectory(prefix="tillit-proofs-") as folder:
        async with town(postgres, Path(folder)) as made:
            yield made
