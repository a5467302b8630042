import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from local_stack.failure import StackError
from local_stack.settings import inherited
from local_stack.state_folder import StateFolder
from local_stack.status import ProcessState, ProcessStatus
from local_stack.supervised_process import ProcessSpec, SupervisedProcess
from local_stack.tied_process import run_step

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def supervised(state: StateFolder, code: str, *, stop_seconds: float = 5.0) -> SupervisedProcess:
    """A process that counts as ready once it has written something."""
    log = state.log_of("one")

    async def has_spoken() -> bool:
        return log.exists() and log.stat().st_size > 0

    spec = ProcessSpec(
        name="one",
        command=[sys.executable, "-c", code],
        environment=inherited({}),
        log=log,
        url="",
        probe=has_spoken,
        stop_seconds=stop_seconds,
        start_seconds=20.0,
    )
    return SupervisedProcess(spec, ProcessStatus("one", ""), lambda: None)


async def eventually(true: "object", what: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if callable(true) and true():
            return
        await asyncio.sleep(0.02)
    pytest.fail(f"never happened: {what}")


async def test_a_process_that_was_killed_is_started_again_and_counted(state: StateFolder) -> None:
    process = supervised(state, SLEEP)
    await process.start()
    first = process.status.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: process.status.pid not in (None, first), "a second start")
    assert process.status.restarts == 1
    assert process.status.last_exit == -signal.SIGKILL
    await process.stop()
    assert process.status.state is ProcessState.STOPPED


async def test_restarts_wait_longer_each_time(state: StateFolder) -> None:
    process = supervised(state, "import sys; sys.exit(7)")
    began = time.monotonic()
    with pytest.raises(StackError, match="crashed 3 times"):
        await process.start()
    assert time.monotonic() - began >= 0.5 + 1.0
    await process.stop()


async def test_a_start_that_fails_shows_the_end_of_the_log(state: StateFolder) -> None:
    process = supervised(state, "import sys; sys.stderr.close(); sys.exit(1)")
    state.log_of("one").write_text("")
    with pytest.raises(StackError, match=r"one\.log"):
        await process.start()
    await process.stop()


async def test_a_process_that_ignores_the_request_to_end_is_ended_within_the_bound(state: StateFolder) -> None:
    process = supervised(state, DEAF, stop_seconds=0.5)
    await process.start()
    pid = process.status.pid
    began = time.monotonic()
    await process.stop()
    assert time.monotonic() - began < 3
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_a_second_request_does_not_wait(state: StateFolder) -> None:
    process = supervised(state, DEAF, stop_seconds=60)
    await process.start()
    stopping = asyncio.create_task(process.stop())
    await asyncio.sleep(0.1)
    process.hurry()
    await asyncio.wait_for(stopping, 3)


async def test_a_process_stopped_while_it_waits_to_restart_stays_down(state: StateFolder) -> None:
    process = supervised(state, "print('up', flush=True); raise SystemExit(1)")
    await process.start()
    await process.stop()
    assert process.status.state is ProcessState.STOPPED
    assert process.status.pid is None


async def test_a_failed_step_carries_its_exit_code_and_what_it_said_but_no_earlier_run_of_the_log(
    state: StateFolder,
) -> None:
    state.log_of("step").write_text("an earlier run\n")
    with pytest.raises(StackError, match=r"the step failed with exit code 4; the end of \S+:\n  the reason$"):
        await run_step(
            [sys.executable, "-c", "print('the reason'); raise SystemExit(4)"],
            what="the step",
            environment=inherited({}),
            log=state.log_of("step"),
        )


PARENT = """
import asyncio, sys
from pathlib import Path
from local_stack.settings import inherited
from local_stack.tied_process import spawn
async def main():
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = await spawn(sleep, environment=inherited({}), log=Path(sys.argv[1]))
    print(child.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert_ends(child)


def assert_ends(process: psutil.Process) -> None:
    """Ended, or a zombie that nobody collects."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)
    pytest.fail(f"{process} outlives its parent")
