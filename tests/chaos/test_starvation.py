"""A starved process gets a small share of the CPU and runs on as before when it is over, whichever way it is starved."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.chaos.starvation import starved, stopped_in_turns

_SECONDS = 1.5
_SHARE = 0.1


@pytest.mark.parametrize("way", [starved, stopped_in_turns])
async def test_a_starved_process_gets_a_fraction_of_the_cpu_until_it_is_over(
    way: Callable[[int, float], AbstractAsyncContextManager[None]],
) -> None:
    spinning = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        async with way(spinning.pid, _SHARE):
            before = _cpu_seconds(spinning.pid)
            await asyncio.sleep(_SECONDS)
            got = _cpu_seconds(spinning.pid) - before
        assert got < _SECONDS * 3 * _SHARE
        before = _cpu_seconds(spinning.pid)
        await asyncio.sleep(_SECONDS)
        assert _cpu_seconds(spinning.pid) - before > _SECONDS * 2 * _SHARE
    finally:
        spinning.kill()
        await spinning.wait()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
