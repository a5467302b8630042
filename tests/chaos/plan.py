"""Which faults strike when: the whole plan follows from the seed, so that a seed's round can be had again.

What a role-bound fault meets (which process leads the relay then) is decided when it strikes; the plan names the role.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `target` is a process's index in the round, or the service's for a role-bound one."""

    at: float
    kind: FaultKind
    target: int
    seconds: float


PROCESSES: Final = 4
"""Two of the source, then two of the sink."""
SERVICES: Final = 2
_WEIGHTS: Final = {
    FaultKind.KILL: 5,
    FaultKind.KILL_LEADER: 5,
    FaultKind.TERMINATE: 1,
    FaultKind.FREEZE: 2,
    FaultKind.FREEZE_LEADER: 4,
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
}
_TARGETS: Final = {
    FaultKind.KILL: PROCESSES,
    FaultKind.KILL_LEADER: SERVICES,
    FaultKind.TERMINATE: PROCESSES,
    FaultKind.FREEZE: PROCESSES,
    FaultKind.FREEZE_LEADER: SERVICES,
    FaultKind.BROKER_PAUSE_LEADER_KILLED: SERVICES,
    FaultKind.DATABASE_PAUSE_PROCESS_KILLED: PROCESSES,
}
_FIRST: Final = 1.0
_GAPS: Final = (0.2, 2.8)


def plan(seed: int, seconds: float) -> Sequence[Fault]:
    """The faults of a round in which the load lasts about `seconds`, by when they strike; the last end soon after it."""
    chance = random.Random(seed)  # the plan must follow from the seed
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    faults: list[Fault] = []
    at = _FIRST
    while at < seconds:
        kind = chance.choices(kinds, weights)[0]
        target = chance.randrange(_TARGETS.get(kind, 1))
        shortest, longest = _LENGTHS.get(kind, (0.0, 0.0))
        length = min(chance.uniform(shortest, longest), max(shortest, seconds - at))
        faults.append(Fault(round(at, 2), kind, target, round(length, 2)))
        at += chance.uniform(*_GAPS)
    return faults
