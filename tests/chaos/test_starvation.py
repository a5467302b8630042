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
_LONG_ENOUGH = 30.0


@pytest.mark.parametrize("way", [starved, stopped_in_turns])
async def test_a_starved_process_gets_a_fraction_of_the_cpu_until_it_is_over(
    way: Callable[[int, float], AbstractAsyncContextManager[None]],
) -> None:
    spinning = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        async with way(spinning.pid, _SHARE):
            got = await _gets(spinning.pid)
        assert got < _SECONDS * 3 * _SHARE
        got = 0.0
        async with asyncio.timeout(_LONG_ENOUGH):  # others' work may leave it little as well, but not for ever
            while got <= _SECONDS * 2 * _SHARE:
                got = await _gets(spinning.pid)
    finally:
        spinning.kill()
        await spinning.wait()


async def _gets(pid: int) -> float:
    before = _cpu_seconds(pid)
    await asyncio.sleep(_SECONDS)
    return _cpu_seconds(pid) - before


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
