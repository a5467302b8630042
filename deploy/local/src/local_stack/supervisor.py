"""The one process that holds a stack: starts everything in order, keeps it running, and ends it in reverse."""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from local_stack import kafka, keys, postgres, processes, supervisor_lock
from local_stack.failure import StackError
from local_stack.passwords import Passwords, make_passwords
from local_stack.ports import HOST, Ports, refuse_taken
from local_stack.settings import downloads_folder, inherited
from local_stack.state_folder import StateFolder
from local_stack.status import Phase, ProcessStatus, Status, Step
from local_stack.supervised_process import ProcessSpec, SupervisedProcess
from local_stack.tied_process import run_step

PARTITIONS = 6
ALREADY_RUNNING = 3
"""The exit code of a supervisor that found another one holding the folder."""

Tell = Callable[[str], None]
Changed = Callable[[Status], None]


class Supervisor:
    """Holds one stack from start to end; `status` is written to the state folder at every change."""

    def __init__(
        self, state: StateFolder, ports: Ports, services: Sequence[processes.Service], changed: Changed | None = None
    ) -> None:
        self._state = state
        self._changed = changed
        self._ports = ports
        self._services = services
        self._running: list[SupervisedProcess] = []
        self._stop = asyncio.Event()
        urls = {"postgres": f"{HOST}:{ports.postgres}", "kafka": f"{HOST}:{ports.kafka}"}
        urls |= {"mail": f"http://{HOST}:{ports.mail}", "witness": f"http://{HOST}:{ports.witness}"}
        urls |= {service.name: service.url(ports) for service in services}
        self.status = Status(os.getpid(), processes=[ProcessStatus(name, url) for name, url in urls.items()])

    async def run(self) -> Status:
        """Hold the stack until a signal asks for its end or its start fails; nothing of it runs when this returns."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        self._write()
        starting = asyncio.create_task(self._start())
        asked = asyncio.create_task(self._stop.wait())
        await asyncio.wait([starting, asked], return_when=asyncio.FIRST_COMPLETED)
        try:
            if not starting.done():
                starting.cancel()
            await starting
            self._enter(Phase.RUNNING)
            await asked
        except asyncio.CancelledError:
            if not self._stop.is_set():
                raise
        except StackError as error:
            self.status.reason = str(error)
        finally:
            asked.cancel()
            self._enter(Phase.STOPPING)
            await self._end_all()
            self._enter(Phase.FAILED if self.status.reason else Phase.STOPPED)
        return self.status

    def _asked_to_stop(self) -> None:
        """The first signal ends everything in order; a second one does not wait for anything."""
        if self._stop.is_set():
            for process in self._running:
                process.hurry()
        self._stop.set()

    async def _start(self) -> None:
        refuse_taken(self._ports)
        self._state.make()
        self._state.remember_ports(self._ports)
        keys.make_keys(self._state)
        passwords = make_passwords(self._state)
        await _together(
            self._start_kafka(),
            self._start_postgres(passwords),
            self._start_process("mail", self._mail_catcher()),
            self._start_process("witness", processes.witness(self._state, self._ports)),
        )
        if not self._services:
            return
        await _together(self._make_topics(), *(self._migrate(service, passwords) for service in self._services))
        await _together(*(self._start_service(service, passwords) for service in self._services))

    async def _start_kafka(self) -> None:
        async with self._step("Apache Kafka's files") as tell:
            jars = await kafka.fetch_jars(downloads_folder(), self._state.log_of("maven"), tell)
            await kafka.format_storage(self._state, self._ports, jars, self._state.log_of("kafka"))
        await self._start_process("Apache Kafka", kafka.broker(self._state, self._ports, jars))

    async def _start_postgres(self, passwords: Passwords) -> None:
        async with self._step("PostgreSQL's files"):
            files = await asyncio.to_thread(postgres.prepare_files, self._state)
            await postgres.make_server(files, passwords, self._state.log_of("postgres"))
        await self._start_process("PostgreSQL", postgres.server(files, self._state, self._ports, passwords))
        async with self._step("databases and roles"):
            await postgres.make_databases(self._ports, passwords)

    def _mail_catcher(self) -> ProcessSpec:
        return processes.mail_catcher(self._state, self._ports)

    async def _make_topics(self) -> None:
        async with self._step("topics"):
            command = [sys.executable, "-m", "local_stack.topics", f"{HOST}:{self._ports.kafka}", str(PARTITIONS)]
            log = self._state.log_of("topics")
            await run_step(command, what="making the topics", environment=inherited({}), log=log)

    async def _migrate(self, service: processes.Service, passwords: Passwords) -> None:
        async with self._step(f"{service.name}: migrate"):
            await run_step(
                service.command("migrate"),
                what=f"migrating the database of {service.name}",
                environment=processes.service_environment(service, self._state, self._ports, passwords, role="migrate"),
                log=self._state.log_of(service.name),
            )

    async def _start_service(self, service: processes.Service, passwords: Passwords) -> None:
        await self._start_process(service.name, processes.running(service, self._state, self._ports, passwords))

    async def _start_process(self, step: str, spec: ProcessSpec) -> None:
        async with self._step(step) as tell:
            process = SupervisedProcess(spec, self.status.process(spec.name), self._write)
            self._running.append(process)
            tell("waiting until it is ready")
            await process.start()
            tell(spec.url)

    async def _end_all(self) -> None:
        """Services first, together; then what they stand on, so that each can finish what it began."""
        below = {"mail": 1, "witness": 1, "kafka": 2, "postgres": 3}
        for level in range(4):
            same = [process for process in self._running if below.get(process.spec.name, 0) == level]
            await asyncio.gather(*(process.stop() for process in same))

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncGenerator[Tell]:
        step = Step(name, began=time.monotonic())
        self.status.steps.append(step)
        self._write()

        def tell(detail: str) -> None:
            step.detail = detail
            self._write()

        yield tell
        step.seconds = round(time.monotonic() - (step.began or 0.0), 2)
        self._write()

    def _enter(self, phase: Phase) -> None:
        self.status.phase = phase
        self._write()

    def _write(self) -> None:
        self.status.write(self._state.status)
        if self._changed is not None:
            self._changed(self.status)


async def _together(*parts: Coroutine[None, None, None]) -> None:
    """All at once; the first failure ends the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


def hold(
    folder: Path, ports: Ports, services: Sequence[processes.Service], changed: Changed | None = None
) -> Status | None:
    """Be the supervisor of this folder until told to stop; None when another process already is."""
    state = StateFolder(folder)
    state.root.mkdir(parents=True, exist_ok=True)
    lock = supervisor_lock.take(state.lock)
    if lock is None:
        return None
    with lock:

        async def supervise() -> Status:
            return await Supervisor(state, ports, services, changed).run()

        return asyncio.run(supervise())


def main(services: Sequence[processes.Service] = processes.SERVICES) -> None:
    """`python -m local_stack.supervisor STATE [--bare] NAME=PORT...`: what a detached `tillit up` runs."""
    parser = argparse.ArgumentParser(description="holds one local stack")
    parser.add_argument("state", type=Path)
    parser.add_argument("ports", nargs="*", metavar="NAME=PORT")
    parser.add_argument("--bare", action="store_true", help="without the services")
    asked = parser.parse_args()
    pairs = [str(pair).split("=", 1) for pair in asked.ports]
    ports = Ports().with_changes({name: int(number) for name, number in pairs})
    status = hold(asked.state, ports, () if asked.bare else services)
    if status is None:
        sys.exit(ALREADY_RUNNING)
    sys.exit(1 if status.phase is Phase.FAILED else 0)


if __name__ == "__main__":
    main()
