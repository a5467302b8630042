"""Starves a process of CPU for a while: by a quota of a cgroup where we may make one, else by stopping it in turns."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PERIOD_MICROSECONDS: Final = 100_000
_TURN_SECONDS: Final = 0.2
_V1: Final = Path("/sys/fs/cgroup/cpu")
_V2: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Quota:
    """A hierarchy in which we may make a group with a CPU quota."""

    name: str
    root: Path
    file: str
    text: str

    def group(self, pid: int) -> Path:
        return self.root / f"tillit-chaos-{pid}"

    def limit(self, pid: int, share: float) -> None:
        """From now on the process gets at most this share of one CPU."""
        group = self.group(pid)
        group.mkdir(exist_ok=True)
        quota = max(int(share * _PERIOD_MICROSECONDS), 1_000)
        (group / self.file).write_text(self.text.format(quota=quota, period=_PERIOD_MICROSECONDS))
        (group / "cgroup.procs").write_text(str(pid))

    def lift(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            (self.root / "cgroup.procs").write_text(str(pid))
        with suppress(OSError):  # one that died leaves its group a moment later; an empty group costs nothing
            self.group(pid).rmdir()


_QUOTAS: Final = (
    Quota("a quota of cgroup v2", _V2, "cpu.max", "{quota} {period}"),
    Quota("a quota of cgroup v1", _V1, "cpu.cfs_quota_us", "{quota}"),
)


def quota() -> Quota | None:
    """The first hierarchy that lets us; found out by making a group."""
    for candidate in _QUOTAS:
        probe = candidate.root / f"tillit-chaos-probe-{os.getpid()}"
        try:
            probe.mkdir()
        except OSError:
            continue
        usable = (probe / candidate.file).exists()
        probe.rmdir()
        if usable:
            return candidate
    return None


def means() -> str:
    """How starvation is done on this machine, for the report."""
    found = quota()
    return found.name if found is not None else "SIGSTOP and SIGCONT in turns"


@asynccontextmanager
async def starved(pid: int, share: float) -> AsyncGenerator[None]:
    """Within the block the process gets this share of one CPU."""
    found = quota()
    if found is None:
        async with stopped_in_turns(pid, share):
            yield
        return
    found.limit(pid, share)
    try:
        yield
    finally:
        found.lift(pid)


@asynccontextmanager
async def stopped_in_turns(pid: int, share: float) -> AsyncGenerator[None]:
    """The same without a cgroup: it runs for this share of each turn."""

    async def turns() -> None:
        while True:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(_TURN_SECONDS * (1 - share))
            os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(_TURN_SECONDS * share)

    turning = asyncio.create_task(turns())
    try:
        yield
    finally:
        turning.cancel()
        with suppress(asyncio.CancelledError, ProcessLookupError):
            await turning
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
