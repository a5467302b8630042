"""The real command, ended while its stack starts."""

import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chassis.testing.containers import free_port
from local_stack.ports import port_names
from local_stack.stack import Stack


def free_ports() -> list[str]:
    numbers: set[int] = set()
    while len(numbers) < len(port_names()):
        numbers.add(free_port(range(12_500, 15_000)))
    return [f"--port={name}={number}" for name, number in zip(port_names(), numbers, strict=True)]


@contextmanager
def not_ignored(number: signal.Signals) -> Generator[None]:
    """Under `nohup` a child would inherit that SIGHUP is ignored, and the demo respects that."""
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_ended_while_it_starts_leaves_no_stack_behind(tmp_path: Path, number: signal.Signals) -> None:
    stack = Stack(tmp_path)
    command = [sys.executable, "-m", "tillit_cli.main", "demo", "--state", str(tmp_path), *free_ports()]
    with (
        not_ignored(number),
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo,
    ):
        deadline = time.monotonic() + 60
        while stack.supervisor() is None:
            assert demo.poll() is None, "the demo ended by itself"
            assert time.monotonic() < deadline, "the demo started no stack"
            time.sleep(0.05)
        demo.send_signal(number)
        demo.wait(60)
    assert demo.returncode != 0
    assert stack.supervisor() is None, "`tillit down` stops what it left"
