import os
import signal
import subprocess
import sys

from local_stack import supervisor_lock
from local_stack.state_folder import StateFolder

HOLD = """
import sys, time
from pathlib import Path
from local_stack import supervisor_lock
held = supervisor_lock.take(Path(sys.argv[1]))
print("held" if held else "refused", flush=True)
if held:
    time.sleep(60)
"""


def hold(state: StateFolder) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", HOLD, str(state.lock)], stdout=subprocess.PIPE, text=True)


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_nobody_holds_a_folder_without_a_supervisor(state: StateFolder) -> None:
    assert supervisor_lock.holder(state.lock) is None


def test_the_holder_is_known_by_its_pid_and_asking_does_not_disturb_it(state: StateFolder) -> None:
    with hold(state) as first:
        assert said(first) == "held"
        assert supervisor_lock.holder(state.lock) == first.pid
        assert supervisor_lock.holder(state.lock) == first.pid
        with hold(state) as second:
            assert said(second) == "refused"
        first.kill()


def test_a_killed_holder_holds_nothing(state: StateFolder) -> None:
    with hold(state) as process:
        assert said(process) == "held"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert supervisor_lock.holder(state.lock) is None
