"""Starts processes that cannot outlive this one, and short steps that must succeed."""

import asyncio
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Final

from local_stack.failure import StackError

_SHOWN_LINES: Final = 15

_ONLY_UNDER_ITS_PARENT = '[ "$PPID" = "$0" ] && exec "$@"'
"""Closes the moment between the fork and the death signal's setting: an already orphaned child does not start."""


@dataclass(frozen=True)
class SystemUser:
    """The user that PostgreSQL runs under when we are root, which it refuses to be."""

    name: str
    uid: int
    gid: int

    def prefix(self) -> list[str]:
        return [f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]


async def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path | None = None,
    user: SystemUser | None = None,
    death_signal: str = "KILL",
) -> asyncio.subprocess.Process:
    """Start it in a session of its own, so that a Ctrl-C reaches only us; the kernel ends it when we die, even killed.

    Its output goes to the end of the log, or to a pipe without one. Call it from the main thread: the kernel ties the
    child to the thread that made it.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError("setpriv is missing: apt-get install -y util-linux")
    tied = [setpriv, *(user.prefix() if user else []), f"--pdeathsig={death_signal}", "--"]
    guarded = [*tied, "/bin/sh", "-c", _ONLY_UNDER_ITS_PARENT, str(os.getpid()), *command]
    output = PIPE if log is None else os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *guarded, stdin=DEVNULL, stdout=output, stderr=STDOUT, env=dict(environment), start_new_session=True
        )
    finally:
        if log is not None:
            os.close(output)


async def run_step(
    command: Sequence[str],
    *,
    what: str,
    environment: Mapping[str, str],
    log: Path,
    user: SystemUser | None = None,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run it to its end, its output in the log and each line told; a failure carries its own last lines."""
    said = deque[str](maxlen=_SHOWN_LINES)
    process = await spawn(command, environment=environment, user=user)
    try:
        with log.open("a") as file:
            async for raw in _lines(process):
                file.write(raw)
                file.flush()
                said.append(raw.rstrip())
                if on_line is not None:
                    on_line(raw.rstrip())
        code = await process.wait()
    finally:
        if process.returncode is None:
            end_group(process.pid)
            await process.wait()
    if code != 0:
        raise StackError(f"{what} failed with exit code {code}; the end of {log}:\n{_shown(said)}")


async def _lines(process: asyncio.subprocess.Process):
    if process.stdout is None:
        raise RuntimeError("a step is started with a pipe")
    async for line in process.stdout:
        yield line.decode(errors="replace")


def end_group(pid: int) -> None:
    """End the process and whatever it started, at once. Only for a child not waited for: its id is still its own."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def tail(log: Path) -> str:
    """The last lines of a log, as an error message shows them."""
    return _shown(last_lines(log, _SHOWN_LINES))


def _shown(lines: Iterable[str]) -> str:
    return "\n".join(f"  {line}" for line in lines) or "  (nothing was written)"


def last_lines(log: Path, lines: int) -> list[str]:
    """The last lines of a log, without reading all of a long one."""
    if not log.exists() or lines <= 0:
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - lines * 2000))
        return file.read().decode(errors="replace").splitlines()[-lines:]
