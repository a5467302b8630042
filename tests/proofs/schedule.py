"""A schedule is drawn from its seed and number alone: steps that name what they do and choose among what there is then.

So a schedule from which steps were taken away is a schedule still, and a failing one can be made short.
"""

import random
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What one step does."""

    REGISTER = "register"
    CORRECT = "correct"
    INTEREST = "interest"
    NO_INTEREST = "no_interest"
    POSITION = "position"
    DELETE = "delete"
    CANCEL = "cancel"
    INACTIVE = "inactive"
    AGAIN = "again"
    """Somebody whose profile ended registers again, with the same e-mail."""
    LATE = "late"
    """An event of before about somebody whose profile ended comes now, under an id of its own (traps 1, 6)."""
    REPEAT = "repeat"
    """A record that was sent before stands on its topic once more."""
    REPLAY = "replay"
    """A service reads a topic from offset 0 again (trap 2)."""
    RELAY = "relay"
    RELAY_TWICE = "relay_twice"
    """The relay sends and ends before it deletes: the same rows go again later."""
    DELIVER = "deliver"
    WORK = "work"
    SETTLE = "settle"
    PASS_TIME = "pass_time"
    BACK_UP = "back_up"
    RESTORE = "restore"
    """A service's database is as it was at its last backup (trap 5)."""
    RESTART = "restart"
    ROTATE = "rotate"
    MAKE_KEYS = "make_keys"
    """Keys are asked for again, as by a registration that is repeated (traps 28, 29)."""
    HOLD = "hold"
    """An officer holds a person's data, all of it or one category (R5, trap 48)."""
    LIFT = "lift"
    BREAK = "break"
    """Contacts can't be stored: what says so is parked (trap 4)."""
    MEND = "mend"
    REDRIVE = "redrive"
    KEYRING_AWAY = "keyring_away"
    KEYRING_BACK = "keyring_back"


class Step(NamedTuple):
    """One step; the numbers choose among what there is when it is its turn."""

    kind: Kind
    a: int
    b: int
    c: int

    def __str__(self) -> str:
        return f"{self.kind}({self.a}, {self.b}, {self.c})"


Schedule = Sequence[Step]

WEIGHTS: Final[Mapping[Kind, int]] = MappingProxyType(
    {
        Kind.REGISTER: 6,
        Kind.CORRECT: 6,
        Kind.INTEREST: 5,
        Kind.NO_INTEREST: 2,
        Kind.POSITION: 4,
        Kind.DELETE: 9,
        Kind.CANCEL: 2,
        Kind.INACTIVE: 2,
        Kind.AGAIN: 3,
        Kind.LATE: 9,
        Kind.REPEAT: 6,
        Kind.REPLAY: 4,
        Kind.RELAY: 12,
        Kind.RELAY_TWICE: 3,
        Kind.DELIVER: 20,
        Kind.WORK: 8,
        Kind.SETTLE: 8,
        Kind.PASS_TIME: 7,
        Kind.BACK_UP: 3,
        Kind.RESTORE: 4,
        Kind.RESTART: 2,
        Kind.ROTATE: 1,
        Kind.MAKE_KEYS: 4,
        Kind.HOLD: 3,
        Kind.LIFT: 3,
        Kind.BREAK: 2,
        Kind.MEND: 2,
        Kind.REDRIVE: 3,
        Kind.KEYRING_AWAY: 1,
        Kind.KEYRING_BACK: 2,
    }
)
"""How often each step is drawn, of the sum."""

MOTIFS: Final[Sequence[Sequence[Kind]]] = (
    (Kind.BACK_UP, Kind.DELETE, Kind.SETTLE, Kind.RESTORE),
    (Kind.SETTLE, Kind.BREAK, Kind.CORRECT, Kind.SETTLE, Kind.DELETE, Kind.SETTLE),
    (Kind.CORRECT, Kind.SETTLE, Kind.CORRECT, Kind.SETTLE, Kind.REPEAT, Kind.SETTLE),
    (Kind.INTEREST, Kind.DELETE, Kind.SETTLE, Kind.LATE, Kind.SETTLE, Kind.REPLAY),
    (Kind.INTEREST, Kind.DELETE, Kind.WORK, Kind.RELAY, Kind.DELIVER, Kind.LATE, Kind.SETTLE, Kind.AGAIN),
    (Kind.HOLD, Kind.SETTLE, Kind.DELETE, Kind.SETTLE, Kind.REPLAY, Kind.LIFT, Kind.SETTLE),
    (Kind.DELETE, Kind.SETTLE, Kind.MAKE_KEYS, Kind.RESTART, Kind.MAKE_KEYS),
)
"""What systems like this one have failed at, in its order. One or two are strewn into every schedule."""

SHORTEST: Final = 8
LONGEST: Final = 30
_NUMBERS: Final = 10_000


def draw(seed: int, number: int) -> Schedule:
    """The schedule of this number under this seed: the same steps in every process."""
    chance = random.Random(f"{seed}/{number}")
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    drawn = chance.choices(kinds, weights, k=chance.randint(SHORTEST, LONGEST))
    for motif in chance.sample(MOTIFS, k=chance.randint(1, 2)):
        places = sorted(chance.randint(0, len(drawn)) for _ in motif)
        for shift, (place, kind) in enumerate(zip(places, motif, strict=True)):
            drawn.insert(place + shift, kind)
    return [Step(kind, *(chance.randrange(_NUMBERS) for _ in range(3))) for kind in (Kind.REGISTER, *drawn)]


def shown(schedule: Schedule) -> str:
    return "\n".join(f"  {step}" for step in schedule)
