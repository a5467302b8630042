"""The real command, ended while its stack starts."""

import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from local_stack.ports import port_names
from local_stack.stack import Stack


def free_ports() -> list[str]:
    with ExitStack() as held:
        sockets = {name: held.enter_context(socket.create_server(("127.0.0.1", 0))) for name in port_names()}
        return [f"--port={name}={listener.getsockname()[1]}" for name, listener in sockets.items()]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_ended_while_it_starts_leaves_no_stack_behind(tmp_path: Path, number: signal.Signals) -> None:
    stack = Stack(tmp_path)
    command = [sys.executable, "-m", "tillit_cli.main", "demo", "--state", str(tmp_path), *free_ports()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
        deadline = time.monotonic() + 60
        while stack.supervisor() is None:
            assert demo.poll() is None, "the demo ended by itself"
            assert time.monotonic() < deadline, "the demo started no stack"
            time.sleep(0.05)
        demo.send_signal(number)
        demo.wait(60)
    assert demo.returncode != 0
    assert stack.supervisor() is None, "`tillit down` stops what it left"
