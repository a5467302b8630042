"""What the supervisor says about itself: the progress of a start, and every process it holds."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from local_stack.state_folder import write_private


class Phase(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class ProcessState(StrEnum):
    WAITING = "waiting"  # its turn has not come
    STARTING = "starting"  # runs, has not been ready yet
    READY = "ready"
    NOT_READY = "not ready"  # was ready, and now says that it isn't
    CRASHED = "crashed"  # ended by itself; started again after a delay
    STOPPED = "stopped"


@dataclass
class Step:
    """One line of a start's progress. `seconds` is set when it is done."""

    name: str
    detail: str = ""
    began: float | None = None
    seconds: float | None = None


@dataclass
class ProcessStatus:
    """One process; times are of the machine's monotonic clock, which all its processes share."""

    name: str
    url: str
    state: ProcessState = ProcessState.WAITING
    pid: int | None = None
    started: float | None = None
    restarts: int = 0
    last_exit: int | None = None


@dataclass
class Status:
    """The whole, as the supervisor last wrote it."""

    supervisor: int
    phase: Phase = Phase.STARTING
    reason: str = ""
    steps: list[Step] = field(default_factory=lambda: list[Step]())
    processes: list[ProcessStatus] = field(default_factory=lambda: list[ProcessStatus]())

    def process(self, name: str) -> ProcessStatus:
        return next(process for process in self.processes if process.name == name)

    def write(self, path: Path) -> None:
        write_private(path, _STORED.dump_json(self).decode())


_STORED = TypeAdapter(Status)


def read_status(path: Path) -> Status | None:
    """The last status written, or None before the first; a file from another version counts as none."""
    try:
        return _STORED.validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
