"""One local stack as others use it: start it, end it, and know where everything of it is."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_stack import keys, postgres, settings, supervisor_lock
from local_stack.failure import StackError
from local_stack.guests import admit
from local_stack.passwords import DATABASES, SUPERUSER, owner_role, stored_passwords
from local_stack.ports import HOST, Ports, refuse_taken
from local_stack.processes import SERVICES, service_environment
from local_stack.state_folder import StateFolder
from local_stack.status import Phase, Status, read_status
from local_stack.supervisor import ALREADY_RUNNING, hold
from local_stack.tied_process import run_step

START_SECONDS = 900.0
"""The first start downloads; every part of a start has a much shorter bound of its own."""

STOP_SECONDS = 75.0
"""More than the supervisor's own bounds together: 15 s services, 15 s mail, 20 s Kafka, 15 s PostgreSQL."""

_launched: "dict[int, subprocess.Popen[bytes]]" = {}
"""Supervisors that this process started: they outlive it by design, and are collected here if they end before it."""


def _collect_ended() -> None:
    for pid in [pid for pid, launched in _launched.items() if launched.poll() is not None]:
        del _launched[pid]


@dataclass(frozen=True)
class StackOptions:
    """What a start may choose. Ports not named are the remembered ones; `environment` goes to every service."""

    ports: Mapping[str, int] = field(default_factory=lambda: dict[str, int]())
    services: bool = True
    environment: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())


@dataclass(frozen=True)
class StackInfo:
    """Where everything of one stack is. Services are named profile, notifications, audit-log and retention; databases
    profile, notifications, audit_log and retention."""

    state: Path
    ports: Ports
    services: Mapping[str, str]
    kafka_bootstrap: str
    smtp_url: str
    mail_url: str
    databases: Mapping[str, str]
    owner_databases: Mapping[str, str]
    admin_database: str
    postgres_data: Path
    kafka_data: Path
    mails: Path
    logs: Path
    keys: Path
    kek: Path
    operator_key_file: Path
    services_jwks_file: Path
    login_jwks_file: Path
    started_here: bool = False


class Stack:
    """The stack of one state folder, running or not."""

    def __init__(self, state: Path | None = None, supervisor_command: Sequence[str] | None = None) -> None:
        self._state = StateFolder(settings.state_folder(state))
        self._command = supervisor_command or [sys.executable, "-m", "local_stack.supervisor"]

    def supervisor(self) -> int | None:
        """The pid of the process that holds the stack, or None when it is down."""
        return supervisor_lock.holder(self._state.lock)

    @property
    def logs(self) -> Path:
        return self._state.logs

    def status(self) -> Status | None:
        """What the living supervisor last said, or None when there is none."""
        status = read_status(self._state.status)
        return status if status is not None and status.supervisor == self.supervisor() else None

    def ports(self, options: StackOptions) -> Ports:
        """The ports a start would use: chosen, else of the environment, else remembered, else the defaults."""
        return self._state.remembered_ports().with_changes({**settings.ports_from_environment(), **options.ports})

    def up(self, options: StackOptions | None = None, progress: Callable[[Status], None] | None = None) -> StackInfo:
        """Start it detached and return when everything is ready; when it runs already, wait until it is ready.

        Ctrl-C while it starts ends what this call has started.
        """
        options = options or StackOptions()
        running = self.supervisor()
        if running is not None:
            self._refuse_other_ports(options)
            self._wait(running, None, progress)
            self._refuse_without_services(options)
            return self.info()
        ports = self.ports(options)
        refuse_taken(ports)
        started = self._launch(ports, options)
        try:
            here = self._wait(started.pid, started, progress)
        except KeyboardInterrupt:
            self.down()
            raise
        return self.info(started_here=here)

    def hold(self, options: StackOptions, changed: Callable[[Status], None]) -> bool:
        """Be the supervisor of this stack, in this process, until Ctrl-C; False when another process already is."""
        if self.supervisor() is not None:
            return False
        ended = hold(self._state.root, self.ports(options), SERVICES if options.services else (), changed)
        if ended is not None and ended.phase is Phase.FAILED:
            raise StackError(ended.reason)
        return ended is not None

    def down(self, *, wipe: bool = False) -> bool:
        """End it and return when nothing of it runs; False when nothing did. Wiped, only downloads are kept."""
        pid = self.supervisor()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            self._wait_for_end(pid)
            if (launched := _launched.get(pid)) is not None:
                launched.wait()
        _collect_ended()
        if wipe:
            self._wipe()
        return pid is not None

    def admit(self, guest: str, http_port: int | None = None) -> dict[str, str]:
        """Let a service that is none of ours take part; the answer is its settings, as environment variables."""
        if self.supervisor() is None:
            raise StackError("no stack is running: `tillit up` starts one")
        return asyncio.run(admit(self._state, self._state.remembered_ports(), guest, http_port))

    async def migrate(self, service: str, database: str, log: Path) -> None:
        """Run the service's role `migrate` on another database of this server than its own.

        Raises:
            StackError: it refused, with its last words.
        """
        state, ports, passwords = self._state, self._state.remembered_ports(), stored_passwords(self._state)
        [chosen] = [one for one in SERVICES if one.name == service]
        environment = {
            **service_environment(chosen, state, ports, passwords, role="migrate"),
            "TILLIT_DATABASE_URL": passwords.dsn(ports, chosen.database, database),
            "TILLIT_MIGRATION_DATABASE_URL": passwords.dsn(ports, owner_role(chosen.database), database),
        }
        await run_step(chosen.command("migrate"), what=f"migrating {database}", environment=environment, log=log)

    def info(self, *, started_here: bool = False) -> StackInfo:
        """Where everything is; also of a stack that is down, once it was started."""
        state, ports, passwords = self._state, self._state.remembered_ports(), stored_passwords(self._state)
        return StackInfo(
            state=state.root,
            ports=ports,
            services={service.name: service.url(ports) for service in SERVICES},
            kafka_bootstrap=f"{HOST}:{ports.kafka}",
            smtp_url=f"smtp://{HOST}:{ports.smtp}",
            mail_url=f"http://{HOST}:{ports.mail}",
            databases={name: passwords.dsn(ports, name, name) for name in DATABASES},
            owner_databases={name: passwords.dsn(ports, owner_role(name), name) for name in DATABASES},
            admin_database=passwords.dsn(ports, SUPERUSER, "postgres"),
            postgres_data=postgres.data_folder(state),
            kafka_data=state.kafka_data,
            mails=state.mails,
            logs=state.logs,
            keys=state.keys,
            kek=state.kek,
            operator_key_file=keys.key_file(state, "operator"),
            services_jwks_file=keys.services_jwks(state),
            login_jwks_file=keys.login_jwks(state),
            started_here=started_here,
        )

    def _launch(self, ports: Ports, options: StackOptions) -> "subprocess.Popen[bytes]":
        self._state.root.mkdir(parents=True, exist_ok=True)
        self._state.logs.mkdir(mode=0o700, exist_ok=True)
        command = [*self._command, str(self._state.root), *(f"{name}={number}" for name, number in ports.items())]
        if not options.services:
            command.append("--bare")
        with self._state.log_of("supervisor").open("ab") as log:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=settings.inherited(options.environment),
            )
        _launched[started.pid] = started
        return started

    def _wait(
        self, pid: int, started: "subprocess.Popen[bytes] | None", progress: Callable[[Status], None] | None
    ) -> bool:
        """Return when everything is ready; True when the process just started is the one that holds it."""
        deadline, told = time.monotonic() + START_SECONDS, False
        while time.monotonic() < deadline:
            ended = started is not None and started.poll() is not None
            if ended and started is not None and started.returncode == ALREADY_RUNNING:
                other = self.supervisor()
                if other is None:
                    raise StackError("another start ended while this one waited for it: run it again")
                started, pid = None, other
                continue
            status = read_status(self._state.status)
            if status is not None and status.supervisor == pid:
                told |= status.phase is Phase.STARTING
                if progress is not None and told:
                    progress(status)
                if status.phase is Phase.RUNNING and self.supervisor() == pid:
                    return started is not None
                if status.phase is Phase.FAILED:
                    self._wait_for_end(pid)
                    raise StackError(status.reason)
            if ended or (started is None and self.supervisor() != pid):
                raise StackError(f"the stack was ended while it started; see {self._state.log_of('supervisor')}")
            time.sleep(0.05)
        raise StackError(f"the stack was not ready in {START_SECONDS:.0f} s; see {self._state.logs}")

    def _wait_for_end(self, pid: int) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self.supervisor() == pid:
            if time.monotonic() > deadline:
                raise StackError(
                    f"the stack did not end in {STOP_SECONDS:.0f} s; end its supervisor with: kill -KILL {pid}"
                )
            time.sleep(0.05)

    def _refuse_other_ports(self, options: StackOptions) -> None:
        now = dict(self._state.remembered_ports().items())
        for name, number in {**settings.ports_from_environment(), **options.ports}.items():
            if now.get(name) != number:
                raise StackError(f"the stack runs with port {name}={now.get(name)}: `tillit down` before changing it")

    def _refuse_without_services(self, options: StackOptions) -> None:
        status = self.status()
        if status is None or not options.services:
            return
        if not {service.name for service in SERVICES} <= {process.name for process in status.processes}:
            raise StackError("the stack runs without the services: `tillit down` before starting it with them")

    def _wipe(self) -> None:
        postgres.remove_outside_home(self._state)
        state = self._state
        for folder in (
            state.logs,
            state.keys,
            state.kek,
            state.kek.with_name("keyring-backups"),
            state.log,
            state.witness,
            state.mails,
            state.kafka,
            state.root / "postgres",
        ):
            if folder.exists():
                shutil.rmtree(folder)
        for file in (state.status, state.postgres_place, state.passwords, state.ports):
            file.unlink(missing_ok=True)
