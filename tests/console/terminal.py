"""What an operator does at a terminal: runs `tillit`, and stops a process of the stack for a while."""

import asyncio
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from local_stack.stack import Stack, StackInfo


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


async def tillit(info: StackInfo, *arguments: str) -> Said:
    """Run the command on this stack."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tillit_cli.main",
        *arguments,
        "--state",
        str(info.state),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return Said(process.returncode or 0, out.decode(), err.decode())


@contextmanager
def frozen(info: StackInfo, name: str) -> Generator[None]:
    """A process of the stack stands still while the block runs."""
    status = Stack(info.state).status()
    pid = status.process(name).pid if status is not None else None
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
