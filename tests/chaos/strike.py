"""Strikes: turns a plan into signals, crashes and pauses at their times, and writes down what it did."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from chassis.testing.containers import Disturbable

from tests.chaos.duties import Duties
from tests.chaos.places import BASE, PLACES, SERVERS, base_place
from tests.chaos.plan import Fault, FaultKind
from tests.chaos.proxy import Flow
from tests.chaos.servers import ChaosKafka, ChaosPostgres, full_disk
from tests.chaos.starvation import starved
from tests.chaos.stepped_clock import step
from tests.chaos.supervised import RigFailure, Supervised
from tests.chaos.system import System
from tests.chaos.timeline import Timeline
from tests.chaos.verdict import Violation

_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 60.0
_LAST_MOMENT_SECONDS = 0.05
_STARVED_SHARE = 0.08


class Striker:
    """Carries out one plan. Faults of one process, of the broker, of the database or of the keyring never overlap."""

    def __init__(self, system: System, timeline: Timeline, duties: Duties) -> None:
        self.violations: list[Violation] = []
        self._system = system
        self._timeline = timeline
        self._duties = duties
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
        match fault.kind:
            case FaultKind.KILL | FaultKind.TERMINATE | FaultKind.FREEZE | FaultKind.WORKER_LEAVES:
                await self._process(fault, self._system.processes[base_place(fault.target)])
            case FaultKind.KILL_LEADER | FaultKind.FREEZE_LEADER:
                leader = await self._system.relay_leader(fault.target)
                if leader is not None:
                    await self._process(fault, leader, ", leads the relay")
            case FaultKind.LEADER_UNHEARD | FaultKind.LEADER_UNANSWERED:
                leader = await self._system.relay_leader(fault.target)
                if leader is not None:
                    await self._cut_off_and_kill(fault, leader)
            case FaultKind.FREEZE_CONSUMER:
                await self._freeze(fault, await self._system.last_consumer(), ", holds partitions")
            case FaultKind.WORKER_JOINS:
                await self._join(fault, self._system.processes[fault.target * PLACES + BASE])
            case FaultKind.SERVICE_AWAY:
                await asyncio.gather(*(self._terminate(fault, one) for one in self._system.of(fault.target)[:BASE]))
            case FaultKind.STARVATION:
                await self._starve(fault, self._system.processes[base_place(fault.target)])
            case FaultKind.CLOCK_STEP:
                await self._step(fault, self._system.processes[base_place(fault.target)])
            case FaultKind.WIRE_CUT | FaultKind.BLACK_HOLE | FaultKind.ONE_WAY:
                await self._wire(fault)
            case FaultKind.REPLAY:
                await self._duty(fault, "parked records", self._duties.replay(fault.seconds))
            case FaultKind.ERASURE:
                await self._duty(fault, f"person {fault.target}", self._duties.erase(fault.target))
            case _:
                await self._server_fault(fault)

    async def _server_fault(self, fault: Fault) -> None:
        kafka, postgres = self._system.kafka, self._system.postgres
        match fault.kind:
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
            case FaultKind.BROKER_FULL:
                await self._server(fault, self._broker, "broker", lambda: _fill(kafka, fault.seconds))
            case FaultKind.DATABASE_RESTART:
                await self._server(fault, self._database, "database", postgres.restart)
            case FaultKind.DATABASE_CRASH:
                await self._server(fault, self._database, "database", postgres.crash)
            case FaultKind.DATABASE_PAUSE:
                await self._server(fault, self._database, "database", lambda: _pause(postgres, fault.seconds))
            case FaultKind.DATABASE_PAUSE_PROCESS_KILLED:
                await self._server(fault, self._database, "database", lambda: _pause(postgres, fault.seconds))
                await asyncio.sleep(_LAST_MOMENT_SECONDS)
                await self._kill(fault, self._system.processes[base_place(fault.target)])
            case FaultKind.DATABASE_FULL:
                await self._server(fault, self._database, "database", lambda: _fill(postgres, fault.seconds))
            case FaultKind.KEYRING_AWAY:
                await self._server(fault, self._keyring, "keyring", lambda: self._refuse_keys(fault.seconds))
            case FaultKind.KEYRING_GONE:
                await self._server(fault, self._keyring, "keyring", lambda: self._stop_keyring(fault.seconds))
            case _:
                raise RigFailure(f"nobody carries out {fault.kind}")

    async def _process(self, fault: Fault, process: Supervised, role: str = "") -> None:
        match fault.kind:
            case FaultKind.KILL | FaultKind.KILL_LEADER:
                await self._kill(fault, process, role)
            case FaultKind.FREEZE | FaultKind.FREEZE_LEADER:
                await self._freeze(fault, process, role)
            case _:
                await self._terminate(fault, process)

    async def _kill(self, fault: Fault, process: Supervised, role: str = "") -> None:
        async with process.lock:
            struck = self._timeline.began(fault.kind, f"killed {process.name} (pid {process.pid}{role})", process.name)
            process.kill()
            await process.until_ended(_GRACE_SECONDS)
            await asyncio.sleep(fault.seconds)
            process.start()
            self._timeline.ended(struck)

    async def _terminate(self, fault: Fault, process: Supervised) -> None:
        async with process.lock:
            await process.until_alive(self._system.http)  # one that has not come up yet has nothing to end gracefully
            struck = self._timeline.began(fault.kind, f"{process.name} (pid {process.pid})", process.name)
            await self._end_gracefully(process)
            await asyncio.sleep(fault.seconds)
            process.start()
            self._timeline.ended(struck)

    async def _join(self, fault: Fault, process: Supervised) -> None:
        async with process.lock:
            struck = self._timeline.began(fault.kind, f"{process.name}, for {fault.seconds} s", process.name)
            process.start()
            await process.until_alive(self._system.http)
            await asyncio.sleep(fault.seconds)
            await self._end_gracefully(process)
            self._timeline.ended(struck)

    async def _end_gracefully(self, process: Supervised) -> None:
        process.terminate()
        if not await process.until_ended(_GRACE_SECONDS):
            text = f"{process.name} did not end within {_GRACE_SECONDS:.0f} s of SIGTERM"
            self.violations.append(Violation("not drained", text, self._timeline.now()))
            process.kill()
            await process.until_ended(_GRACE_SECONDS)
        elif process.ended() != 0:
            text = f"{process.name} ended with {process.ended()} on SIGTERM:\n{process.last_words()}"
            self.violations.append(Violation("not drained", text, self._timeline.now()))

    async def _starve(self, fault: Fault, process: Supervised) -> None:
        async with process.lock:
            text = f"{process.name} gets {_STARVED_SHARE:.0%} of a CPU for {fault.seconds} s"
            struck = self._timeline.began(fault.kind, text, process.name)
            async with starved(process.pid, _STARVED_SHARE):
                await asyncio.sleep(fault.seconds)
            self._timeline.ended(struck)

    async def _step(self, fault: Fault, process: Supervised) -> None:
        """Beside whatever else happens to the process: its clock is a file."""
        text = f"{process.name} is off by {timedelta(seconds=fault.by)} for {fault.seconds} s"
        struck = self._timeline.began(fault.kind, text, process.name)
        step(process.clock, fault.by)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            step(process.clock, 0.0)
        self._timeline.ended(struck)

    async def _wire(self, fault: Fault) -> None:
        wire = self._system.wires[base_place(fault.target // len(SERVERS))][fault.target % len(SERVERS)]
        flow = {
            FaultKind.WIRE_CUT: Flow.CUT,
            FaultKind.BLACK_HOLE: Flow.BLACK_HOLE,
            FaultKind.ONE_WAY: Flow.ONE_WAY,
        }[fault.kind]
        async with wire.lock:
            struck = self._timeline.began(fault.kind, f"{wire.name}, for {fault.seconds} s", wire.name)
            wire.set(flow)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                if flow is Flow.ONE_WAY:
                    wire.reset()  # the answers that were held back never come
                wire.set(Flow.OPEN)
            self._timeline.ended(struck)

    async def _cut_off_and_kill(self, fault: Fault, leader: Supervised) -> None:
        """What the wire holds back when the leader dies never arrives."""
        wire = self._system.wires[self._system.processes.index(leader)][0]
        async with wire.lock, leader.lock:
            struck = self._timeline.began(fault.kind, f"{wire.name}, for {fault.seconds} s", leader.name)
            wire.set(Flow.BLACK_HOLE if fault.kind is FaultKind.LEADER_UNHEARD else Flow.ONE_WAY)
            try:
                await asyncio.sleep(fault.seconds)
                leader.kill()
                wire.reset()
                await leader.until_ended(_GRACE_SECONDS)
            finally:
                wire.set(Flow.OPEN)
            leader.start()
            self._timeline.ended(struck)

    async def _duty(self, fault: Fault, what: str, doing: Awaitable[list[Violation]]) -> None:
        struck = self._timeline.began(fault.kind, what, "people")
        self.violations.extend(await doing)
        self._timeline.ended(struck)

    async def _freeze(self, fault: Fault, process: Supervised, role: str) -> None:
        async with process.lock:
            which = f"{process.name} (pid {process.pid}{role}), planned for {fault.seconds} s"
            struck = self._timeline.began(fault.kind, which, process.name)
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
            text = f"{name}{f', for {fault.seconds} s' if fault.seconds else ''}"
            struck = self._timeline.began(fault.kind, text, name)
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


async def _fill(server: ChaosKafka | ChaosPostgres, seconds: float) -> None:
    async with full_disk(server):
        await asyncio.sleep(seconds)


async def until_all_ready(system: System) -> None:
    """Every process is up after its last fault.

    Raises:
        RigFailure: one does not come back.
    """
    failures = await asyncio.gather(
        *(process.until_ready(system.http) for process in (*system.sources, *system.sinks)), return_exceptions=True
    )
    failed = [str(failure) for failure in failures if isinstance(failure, BaseException)]
    if failed:
        raise RigFailure("\n".join(failed))
