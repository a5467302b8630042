"""Strikes: turns a plan into signals, crashes and pauses at their times, and writes down what it did."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from chassis.testing.containers import Disturbable

from tests.chaos.plan import Fault, FaultKind
from tests.chaos.supervised import RigFailure, Supervised
from tests.chaos.system import System
from tests.chaos.timeline import Timeline
from tests.chaos.verdict import Violation

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 60.0
_LAST_MOMENT_SECONDS = 0.05


class Striker:
    """Carries out one plan. Faults of one process, of the broker, of the database or of the keyring never overlap."""

    def __init__(self, system: System, timeline: Timeline) -> None:
        self.violations: list[Violation] = []
        self._system = system
        self._timeline = timeline
        self._broker, self._database, self._keyring = asyncio.Lock(), asyncio.Lock(), asyncio.Lock()

    async def strike_all(self, faults: Sequence[Fault]) -> None:
        """Each at its time; returns when every one of them is over and every process runs."""
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(self._at_its_time(fault))

    async def supervise(self) -> None:
        """Until cancelled: a process that ends without being told to is a violation, and is started anew."""
        while True:
            for process in self._system.processes:
                code = process.ended()
                if process.expected_up and code is not None:
                    text = f"{process.name} ended by itself with {code}; its last words:\n{process.last_words()}"
                    self.violations.append(Violation("died", text, self._timeline.now()))
                    process.start()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _at_its_time(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at - self._timeline.now())
        await self._strike(fault)

    async def _strike(self, fault: Fault) -> None:
        kafka, postgres = self._system.kafka, self._system.postgres
        match fault.kind:
            case FaultKind.KILL:
                await self._kill(fault, self._system.processes[fault.target])
            case FaultKind.KILL_LEADER:
                leader = await self._system.relay_leader(fault.target)
                if leader is not None:
                    await self._kill(fault, leader, ", leads the relay")
            case FaultKind.TERMINATE:
                await self._terminate(fault, self._system.processes[fault.target])
            case FaultKind.FREEZE:
                await self._freeze(fault, self._system.processes[fault.target], "")
            case FaultKind.FREEZE_LEADER:
                leader = await self._system.relay_leader(fault.target)
                if leader is not None:
                    await self._freeze(fault, leader, ", leads the relay")
            case FaultKind.FREEZE_CONSUMER:
                await self._freeze(fault, await self._system.last_consumer(), ", holds partitions")
            case FaultKind.BROKER_RESTART:
                await self._server(fault, self._broker, "broker", kafka.restart)
            case FaultKind.BROKER_CRASH:
                await self._server(fault, self._broker, "broker", kafka.crash)
            case FaultKind.BROKER_PAUSE:
                await self._server(fault, self._broker, "broker", lambda: _pause(kafka, fault.seconds))
            case FaultKind.BROKER_PAUSE_LEADER_KILLED:
                leader = await self._system.relay_leader(fault.target)
                await self._server(fault, self._broker, "broker", lambda: _pause(kafka, fault.seconds))
                if leader is not None:
                    await asyncio.sleep(_LAST_MOMENT_SECONDS)
                    await self._kill(fault, leader, ", led the relay")
            case FaultKind.DATABASE_RESTART:
                await self._server(fault, self._database, "database", postgres.restart)
            case FaultKind.DATABASE_CRASH:
                await self._server(fault, self._database, "database", postgres.crash)
            case FaultKind.DATABASE_PAUSE:
                await self._server(fault, self._database, "database", lambda: _pause(postgres, fault.seconds))
            case FaultKind.DATABASE_PAUSE_PROCESS_KILLED:
                await self._server(fault, self._database, "database", lambda: _pause(postgres, fault.seconds))
                await asyncio.sleep(_LAST_MOMENT_SECONDS)
                await self._kill(fault, self._system.processes[fault.target])
            case FaultKind.KEYRING_AWAY:
                await self._server(fault, self._keyring, "keyring", lambda: self._refuse_keys(fault.seconds))
            case FaultKind.KEYRING_GONE:
                await self._server(fault, self._keyring, "keyring", lambda: self._stop_keyring(fault.seconds))

    async def _kill(self, fault: Fault, process: Supervised, role: str = "") -> None:
        async with process.lock:
            struck = self._timeline.began(fault.kind, f"killed {process.name} (pid {process.pid}{role})")
            process.kill()
            await process.until_ended(_GRACE_SECONDS)
            await asyncio.sleep(fault.seconds)
            process.start()
            self._timeline.ended(struck)

    async def _terminate(self, fault: Fault, process: Supervised) -> None:
        async with process.lock:
            await process.until_alive(self._system.http)  # one that has not come up yet has nothing to end gracefully
            struck = self._timeline.began(fault.kind, f"{process.name} (pid {process.pid})")
            process.terminate()
            if not await process.until_ended(_GRACE_SECONDS):
                text = f"{process.name} did not end within {_GRACE_SECONDS:.0f} s of SIGTERM"
                self.violations.append(Violation("not drained", text, self._timeline.now()))
                process.kill()
                await process.until_ended(_GRACE_SECONDS)
            elif process.ended() != 0:
                text = f"{process.name} ended with {process.ended()} on SIGTERM:\n{process.last_words()}"
                self.violations.append(Violation("not drained", text, self._timeline.now()))
            process.start()
            self._timeline.ended(struck)

    async def _freeze(self, fault: Fault, process: Supervised, role: str) -> None:
        async with process.lock:
            which = f"{process.name} (pid {process.pid}{role}), planned for {fault.seconds} s"
            struck = self._timeline.began(fault.kind, which)
            process.freeze()
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                process.wake()
            self._timeline.ended(struck)

    async def _server(
        self, fault: Fault, lock: asyncio.Lock, name: str, disturb: Callable[[], Awaitable[None]]
    ) -> None:
        async with lock:
            struck = self._timeline.began(fault.kind, f"{name}{f', for {fault.seconds} s' if fault.seconds else ''}")
            await disturb()
            self._timeline.ended(struck)

    async def _stop_keyring(self, seconds: float) -> None:
        await self._system.keyring.stop()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self._system.keyring.start()

    async def _refuse_keys(self, seconds: float) -> None:
        self._system.keyring.unavailable = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._system.keyring.unavailable = False


async def _pause(server: Disturbable, seconds: float) -> None:
    async with server.paused():
        await asyncio.sleep(seconds)


async def until_all_ready(system: System) -> None:
    """Every process is up after its last fault.

    Raises:
        RigFailure: one does not come back.
    """
    failures = await asyncio.gather(
        *(process.until_ready(system.http) for process in system.processes), return_exceptions=True
    )
    failed = [str(failure) for failure in failures if isinstance(failure, BaseException)]
    if failed:
        raise RigFailure("\n".join(failed))
