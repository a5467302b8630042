"""Which faults strike when: the whole plan follows from the seed, so that a seed's round can be had again.

What a role-bound fault meets (which process leads the relay then) is decided when it strikes; the plan names the role.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tests.chaos.places import BASE, SERVERS, SERVICES


class FaultKind(StrEnum):
    KILL = "kill"
    """SIGKILL, and start again after `seconds`."""
    KILL_LEADER = "kill leader"
    """The same, to the process that leads the service's relay: most often with events sent and not yet deleted."""
    TERMINATE = "terminate"
    """SIGTERM: the graceful end, in the middle of the load; started again once it ended."""
    FREEZE = "freeze"
    """SIGSTOP, and SIGCONT after `seconds`."""
    FREEZE_LEADER = "freeze leader"
    """The same, to the process that leads the service's relay."""
    FREEZE_CONSUMER = "freeze consumer"
    """The same, to the process of the sink that took in the last event."""
    BROKER_RESTART = "broker restart"
    BROKER_CRASH = "broker crash"
    BROKER_PAUSE = "broker pause"
    BROKER_PAUSE_LEADER_KILLED = "broker pause, leader killed"
    """The moment after the pause, when the backlog is on its way, is the relay's leader's last."""
    DATABASE_RESTART = "database restart"
    DATABASE_CRASH = "database crash"
    DATABASE_PAUSE = "database pause"
    DATABASE_PAUSE_PROCESS_KILLED = "database pause, process killed"
    """The moment after the pause, when everything that waited commits, is the process's last."""
    KEYRING_AWAY = "keyring away"
    """Answers 503 for `seconds`."""
    KEYRING_GONE = "keyring gone"
    """Takes no connections for `seconds`."""
    WIRE_CUT = "wire cut"
    """RST to every connection between one process and one server, and to each new one for `seconds`."""
    BLACK_HOLE = "black hole"
    """Nothing passes between one process and one server for `seconds`; connections stay, and new ones are accepted."""
    ONE_WAY = "one way"
    """What the process sends arrives, the answers don't; after `seconds` they are lost with their connections."""
    LEADER_UNHEARD = "leader unheard, killed"
    """Nothing of the relay's leader reaches the broker for `seconds`, then it is killed: nothing of that was sent."""
    LEADER_UNANSWERED = "leader unanswered, killed"
    """The relay's leader does not hear the broker for `seconds`, then it is killed: all of that was sent, and is again."""
    WORKER_LEAVES = "worker leaves"
    """SIGTERM, and back after `seconds`: its partitions go to the others, and come back."""
    WORKER_JOINS = "worker joins"
    """A third process of a service for `seconds`."""
    SERVICE_AWAY = "service away"
    """All processes of a service end; together they find the backlog of `seconds`."""
    STARVATION = "starvation"
    """A tenth of a CPU, or less, for `seconds`."""
    CLOCK_STEP = "clock step"
    """A process's clock is off by `by` seconds, back or forth, for `seconds`."""
    DATABASE_FULL = "database's disk full"
    BROKER_FULL = "broker's disk full"
    REPLAY = "replay"
    """Poison is cured for `seconds`, and an operator has everything that is parked run again."""
    ERASURE = "erasure"
    """A person is erased: asked of both services, keys destroyed, told."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `target` counts what it can strike: processes, services, wires, people (see `target_count`)."""

    at: float
    kind: FaultKind
    target: int
    seconds: float
    by: float = 0.0


_WEIGHTS: Final = {
    FaultKind.KILL: 4,
    FaultKind.KILL_LEADER: 4,
    FaultKind.TERMINATE: 1,
    FaultKind.FREEZE: 1,
    FaultKind.FREEZE_LEADER: 3,
    FaultKind.FREEZE_CONSUMER: 3,
    FaultKind.BROKER_RESTART: 1,
    FaultKind.BROKER_CRASH: 1,
    FaultKind.BROKER_PAUSE: 1,
    FaultKind.BROKER_PAUSE_LEADER_KILLED: 2,
    FaultKind.DATABASE_RESTART: 1,
    FaultKind.DATABASE_CRASH: 2,
    FaultKind.DATABASE_PAUSE: 1,
    FaultKind.DATABASE_PAUSE_PROCESS_KILLED: 2,
    FaultKind.KEYRING_AWAY: 1,
    FaultKind.KEYRING_GONE: 1,
    FaultKind.WIRE_CUT: 5,
    FaultKind.BLACK_HOLE: 4,
    FaultKind.ONE_WAY: 5,
    FaultKind.LEADER_UNHEARD: 4,
    FaultKind.LEADER_UNANSWERED: 4,
    FaultKind.WORKER_LEAVES: 3,
    FaultKind.WORKER_JOINS: 4,
    FaultKind.SERVICE_AWAY: 2,
    FaultKind.STARVATION: 3,
    FaultKind.CLOCK_STEP: 4,
    FaultKind.DATABASE_FULL: 2,
    FaultKind.BROKER_FULL: 1,
}
_LENGTHS: Final = {
    FaultKind.KILL: (0.0, 3.0),
    FaultKind.KILL_LEADER: (0.0, 3.0),
    FaultKind.FREEZE: (1.0, 15.0),
    FaultKind.FREEZE_LEADER: (1.0, 15.0),
    FaultKind.FREEZE_CONSUMER: (1.0, 15.0),
    FaultKind.BROKER_PAUSE: (1.0, 8.0),
    FaultKind.BROKER_PAUSE_LEADER_KILLED: (0.5, 3.0),
    FaultKind.DATABASE_PAUSE: (1.0, 8.0),
    FaultKind.DATABASE_PAUSE_PROCESS_KILLED: (0.5, 3.0),
    FaultKind.KEYRING_AWAY: (1.0, 6.0),
    FaultKind.KEYRING_GONE: (1.0, 6.0),
    FaultKind.WIRE_CUT: (0.0, 2.0),
    FaultKind.BLACK_HOLE: (1.0, 12.0),
    FaultKind.ONE_WAY: (0.5, 6.0),
    FaultKind.LEADER_UNHEARD: (0.5, 3.0),
    FaultKind.LEADER_UNANSWERED: (0.5, 3.0),
    FaultKind.WORKER_LEAVES: (0.5, 6.0),
    FaultKind.WORKER_JOINS: (2.0, 8.0),
    FaultKind.SERVICE_AWAY: (2.0, 6.0),
    FaultKind.STARVATION: (2.0, 8.0),
    FaultKind.CLOCK_STEP: (1.0, 10.0),
    FaultKind.DATABASE_FULL: (0.5, 4.0),
    FaultKind.BROKER_FULL: (0.5, 4.0),
    FaultKind.REPLAY: (0.3, 1.5),
}
_BASE_PROCESSES: Final = SERVICES * BASE
PEOPLE: Final = 200
_TARGETS: Final = {
    FaultKind.KILL: _BASE_PROCESSES,
    FaultKind.KILL_LEADER: SERVICES,
    FaultKind.TERMINATE: _BASE_PROCESSES,
    FaultKind.FREEZE: _BASE_PROCESSES,
    FaultKind.FREEZE_LEADER: SERVICES,
    FaultKind.BROKER_PAUSE_LEADER_KILLED: SERVICES,
    FaultKind.DATABASE_PAUSE_PROCESS_KILLED: _BASE_PROCESSES,
    FaultKind.WIRE_CUT: _BASE_PROCESSES * len(SERVERS),
    FaultKind.BLACK_HOLE: _BASE_PROCESSES * len(SERVERS),
    FaultKind.ONE_WAY: _BASE_PROCESSES * len(SERVERS),
    FaultKind.LEADER_UNHEARD: SERVICES,
    FaultKind.LEADER_UNANSWERED: SERVICES,
    FaultKind.WORKER_LEAVES: _BASE_PROCESSES,
    FaultKind.WORKER_JOINS: SERVICES,
    FaultKind.SERVICE_AWAY: SERVICES,
    FaultKind.STARVATION: _BASE_PROCESSES,
    FaultKind.CLOCK_STEP: _BASE_PROCESSES,
    FaultKind.ERASURE: PEOPLE,
}
_FIRST: Final = 1.0
_GAPS: Final = (0.2, 2.4)
_DUTIES: Final = {FaultKind.REPLAY: 5.0, FaultKind.ERASURE: 2.5}
"""What operators and people ask for beside the faults, and about how many seconds apart."""
_STEPS: Final = (60.0, 6 * 3600.0)


def target_count(kind: FaultKind) -> int:
    return _TARGETS.get(kind, 1)


def plan(seed: int, seconds: float) -> Sequence[Fault]:
    """The faults of a round in which the load lasts about `seconds`, by when they strike; the last end soon after it."""
    chance = random.Random(seed)  # the plan must follow from the seed
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    faults: list[Fault] = []
    at = _FIRST
    while at < seconds:
        faults.append(_fault(chance, chance.choices(kinds, weights)[0], at, seconds))
        at += chance.uniform(*_GAPS)
    for kind, apart in _DUTIES.items():
        at = _FIRST + chance.uniform(0, apart)
        while at < seconds:
            faults.append(_fault(chance, kind, at, seconds))
            at += chance.uniform(0.5, 1.5) * apart
    return sorted(faults, key=lambda fault: fault.at)


def _fault(chance: random.Random, kind: FaultKind, at: float, seconds: float) -> Fault:
    target = chance.randrange(target_count(kind))
    shortest, longest = _LENGTHS.get(kind, (0.0, 0.0))
    length = min(chance.uniform(shortest, longest), max(shortest, seconds - at))
    by = chance.choice((-1, 1)) * math.exp(chance.uniform(*map(math.log, _STEPS)))
    return Fault(round(at, 2), kind, target, round(length, 2), round(by, 1) if kind is FaultKind.CLOCK_STEP else 0.0)
