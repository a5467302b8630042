"""Keeps one process running: started again after a crash with growing delays, stopped within a bound."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_stack.failure import StackError
from local_stack.probes import Probe
from local_stack.status import ProcessState, ProcessStatus
from local_stack.tied_process import SystemUser, end_group, spawn, tail

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
STEADY_SECONDS = 60.0
"""A process that ran this long before it crashed starts again with the first delay."""

CRASHES_THAT_FAIL_A_START = 3
ROTATE_BYTES = 20_000_000


@dataclass(frozen=True)
class ProcessSpec:
    """How to start a process, ask whether it is ready, and end it."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    url: str
    probe: Probe
    user: SystemUser | None = None
    death_signal: str = "KILL"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    start_seconds: float = 60.0


class SupervisedProcess:
    """One process from its first start to its last end; `status` is always what is true of it now."""

    def __init__(self, spec: ProcessSpec, status: ProcessStatus, changed: Callable[[], None]) -> None:
        self.spec = spec
        self.status = status
        self._changed = changed
        self._ready = asyncio.Event()
        self._hopeless = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when it is ready; raise when it keeps crashing or is not ready in time."""
        _rotate(self.spec.log)
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")
        verdicts = [asyncio.create_task(self._ready.wait()), asyncio.create_task(self._hopeless.wait())]
        try:
            await asyncio.wait(
                [*verdicts, self._keeper], timeout=self.spec.start_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for verdict in verdicts:
                verdict.cancel()
        if self._keeper.done():
            await self._keeper
        if not self._ready.is_set():
            crashes = f"crashed {self.status.restarts} times" if self.status.restarts else "was not ready in time"
            raise StackError(f"{self.spec.name} {crashes}; the end of {self.spec.log}:\n{tail(self.spec.log)}")

    async def stop(self) -> None:
        """Return when it has ended and will not be started again."""
        self._stopping.set()
        if self._keeper is not None:
            await self._keeper

    def hurry(self) -> None:
        """Don't wait for a graceful end, of this stop or a later one."""
        self._hurry.set()

    async def _keep(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            process = await spawn(
                self.spec.command,
                environment=self.spec.environment,
                log=self.spec.log,
                user=self.spec.user,
                death_signal=self.spec.death_signal,
            )
            started = time.monotonic()
            self._note(ProcessState.STARTING, pid=process.pid, started=started)
            watch = asyncio.create_task(self._watch_readiness())
            exited = asyncio.create_task(process.wait())
            await self._first(exited, self._stopping)
            watch.cancel()
            if self._stopping.is_set():
                await self._end(process, exited)
                break
            self.status.restarts += 1
            self.status.last_exit = process.returncode
            self._note(ProcessState.CRASHED)
            if self.status.restarts >= CRASHES_THAT_FAIL_A_START:
                self._hopeless.set()
            if time.monotonic() - started > STEADY_SECONDS:
                delay = FIRST_DELAY
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            delay = min(delay * 2, LONGEST_DELAY)
        self._note(ProcessState.STOPPED)

    async def _watch_readiness(self) -> None:
        answered = False
        while True:
            if await self.spec.probe():
                answered = True
                self._ready.set()
                self._note(ProcessState.READY, pid=self.status.pid, started=self.status.started)
            elif answered:
                self._note(ProcessState.NOT_READY, pid=self.status.pid, started=self.status.started)
            await asyncio.sleep(3.0 if answered else 0.1)

    async def _end(self, process: asyncio.subprocess.Process, exited: "asyncio.Task[int]") -> None:
        with suppress(ProcessLookupError):
            process.send_signal(self.spec.stop_signal)
        await self._first(exited, self._hurry, timeout=self.spec.stop_seconds)
        if not exited.done():
            end_group(process.pid)
        await exited

    async def _first(self, exited: "asyncio.Task[int]", event: asyncio.Event, *, timeout: float | None = None) -> None:
        other = asyncio.create_task(event.wait())
        await asyncio.wait([exited, other], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        other.cancel()

    def _note(self, state: ProcessState, pid: int | None = None, started: float | None = None) -> None:
        if (self.status.state, self.status.pid) == (state, pid):
            return
        self.status.state, self.status.pid, self.status.started = state, pid, started
        self._changed()


def _rotate(log: Path) -> None:
    """Keep at most two long logs of a process: the one being written and the one before."""
    if log.exists() and log.stat().st_size > ROTATE_BYTES:
        log.replace(log.with_suffix(".log.1"))
