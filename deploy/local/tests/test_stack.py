import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from local_stack.failure import StackError
from local_stack.ports import HOST, Ports
from local_stack.probes import connect, http_ready, kafka_ready
from local_stack.stack import Stack, StackOptions
from local_stack.state_folder import StateFolder
from local_stack.status import Phase, ProcessState

pytestmark = pytest.mark.downloads

SUPERVISOR = Path(__file__).with_name("standin_supervisor.py")
PROCESSES = {"postgres", "kafka", "mail", "witness", "retention", "profile", "notifications", "audit-log"}


def asked(ports: Ports, **environment: str) -> StackOptions:
    return StackOptions(ports=dict(ports.items()), environment=environment)


def processes_of(stack: Stack) -> list[psutil.Process]:
    """The supervisor and everything below it."""
    pid = stack.supervisor()
    assert pid is not None
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def eventually(true: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"never happened: {what}")
        time.sleep(0.05)


def has_ended(process: psutil.Process) -> bool:
    """Ended, or a zombie that nobody collects; one of which threads still run has its ports still."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True


async def test_up_returns_when_everything_is_ready_and_down_leaves_nothing(stack: Stack, ports: Ports) -> None:
    info = stack.up(asked(ports))
    assert info.started_here
    status = stack.status()
    assert status is not None
    assert {process.name for process in status.processes} == PROCESSES
    assert {process.state for process in status.processes} == {ProcessState.READY}
    assert await kafka_ready(ports.kafka)()
    for name in ("profile", "notifications", "audit_log", "retention"):
        assert await http_ready(dict(ports.items())[name])()
        service = await connect(info.databases[name])
        assert await service.fetchval("SELECT count(*) FROM marks") == 1
        await service.close()
    assert info.services["audit-log"] == f"http://{HOST}:{ports.audit_log}"
    assert list(info.postgres_data.glob("PG_VERSION"))
    assert list(info.kafka_data.glob("profile.v1-*"))
    running = processes_of(stack)
    assert stack.down()
    assert [process for process in running if not has_ended(process)] == []
    assert not stack.down()


def test_the_end_goes_in_order_so_that_a_service_can_finish_what_it_began(stack: Stack, ports: Ports) -> None:
    info = stack.up(asked(ports))
    stack.down()
    for name in info.services:
        assert (info.logs / f"{name}.log").read_text().endswith("went in order\n")


def test_a_second_up_changes_nothing_and_says_so(stack: Stack, ports: Ports) -> None:
    stack.up(asked(ports))
    before = [process.pid for process in processes_of(stack)]
    assert not stack.up(StackOptions()).started_here
    assert [process.pid for process in processes_of(stack)] == before


def test_a_second_up_with_other_ports_is_refused(stack: Stack, ports: Ports) -> None:
    stack.up(asked(ports))
    with pytest.raises(StackError, match="runs with port kafka="):
        stack.up(StackOptions(ports={"kafka": ports.kafka + 1}))


def test_a_stack_without_services_is_not_taken_for_a_whole_one(stack: Stack, ports: Ports) -> None:
    stack.up(StackOptions(ports=dict(ports.items()), services=False))
    assert not stack.up(StackOptions(services=False)).started_here
    with pytest.raises(StackError, match="runs without the services"):
        stack.up(StackOptions())


def test_of_two_starts_at_the_same_time_one_holds_the_stack_and_both_see_it_ready(
    stack: Stack, state: StateFolder, ports: Ports
) -> None:
    script = """
import json, sys
from pathlib import Path
from local_stack.stack import Stack, StackOptions
stack = Stack(Path(sys.argv[1]), [sys.executable, sys.argv[2]])
print(stack.up(StackOptions(ports=json.loads(sys.argv[3]))).started_here)
"""
    arguments = [str(state.root), str(SUPERVISOR), json.dumps(dict(ports.items()))]
    command = [sys.executable, "-c", script, *arguments]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [each.communicate(timeout=120) for each in both]
    assert sorted(answer[0].strip() for answer in answers) == ["False", "True"], answers


def test_a_crashed_service_is_started_again_and_counted(stack: Stack, ports: Ports) -> None:
    stack.up(asked(ports))

    def profile() -> tuple[ProcessState, int, int | None]:
        status = stack.status()
        assert status is not None
        process = status.process("profile")
        return process.state, process.restarts, process.pid

    killed = profile()[2]
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: profile()[:2] == (ProcessState.READY, 1), "profile is ready again")


@pytest.mark.parametrize("name", ["postgres", "kafka"])
def test_a_killed_server_comes_back_with_its_data(stack: Stack, ports: Ports, name: str) -> None:
    stack.up(asked(ports))

    def state_and_restarts() -> tuple[ProcessState, int]:
        status = stack.status()
        assert status is not None
        return status.process(name).state, status.process(name).restarts

    status = stack.status()
    assert status is not None
    killed = status.process(name).pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: state_and_restarts()[1] >= 1, f"{name} was started again")
    eventually(lambda: state_and_restarts()[0] is ProcessState.READY, f"{name} is ready again")


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_up_works(stack: Stack, ports: Ports) -> None:
    stack.up(asked(ports))
    running = processes_of(stack)
    running[0].kill()
    eventually(lambda: all(has_ended(process) for process in running), "nothing of it runs", 10)
    assert stack.status() is None
    assert stack.up(StackOptions()).ports == ports


def test_a_service_that_can_not_start_fails_the_start_with_the_end_of_its_log(stack: Stack, ports: Ports) -> None:
    with pytest.raises(StackError, match=r"(?s)profile crashed 3 times.*profile was told to fail as all"):
        stack.up(asked(ports, STANDIN_FAULT="profile:all"))
    assert stack.supervisor() is None
    assert stack.up(StackOptions()).started_here


def test_a_failed_migration_fails_the_start_and_leaves_nothing(stack: Stack, ports: Ports) -> None:
    with pytest.raises(StackError, match=r"(?s)migrating the database of retention failed.*told to fail as migrate"):
        stack.up(asked(ports, STANDIN_FAULT="retention:migrate"))
    assert stack.supervisor() is None


def test_a_request_to_end_during_the_start_is_obeyed(stack: Stack, ports: Ports) -> None:
    started: list[psutil.Process] = []

    def interrupt(_: object) -> None:
        if len(running := processes_of(stack)) > 2:
            started.extend(running)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stack.up(asked(ports), interrupt)
    assert stack.supervisor() is None
    assert [process for process in started if not has_ended(process)] == []


def test_two_stacks_run_side_by_side(stack: Stack, ports: Ports, other_ports: Ports, state: StateFolder) -> None:
    stack.up(asked(ports))
    other = Stack(state.root.with_name("other"), [sys.executable, str(SUPERVISOR)])
    try:
        info = other.up(asked(other_ports))
        assert info.services.keys() == stack.info().services.keys()
        mine, its = stack.status(), other.status()
        assert mine is not None
        assert its is not None
        assert (mine.phase, its.phase) == (Phase.RUNNING, Phase.RUNNING)
    finally:
        other.down(wipe=True)


def test_a_wipe_deletes_all_but_what_was_downloaded(stack: Stack, ports: Ports, state: StateFolder) -> None:
    stack.up(asked(ports))
    secrets = [*state.keys.iterdir(), state.passwords]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}
    stack.down(wipe=True)
    assert [file.name for file in state.root.iterdir()] == ["supervisor.lock"]
    with pytest.raises(StackError, match="tillit up"):
        stack.info()
