"""Knows whether this process lives (its loops run) and whether it is ready (what it needs answers)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from chassis.clock import monotonic
from chassis.logs import get_logger

Check = Callable[[], Awaitable[bool]]
"""A readiness check: whether what the service needs is there. Raising means that it is not."""

_log = get_logger()


class Loop:
    """One loop's sign of life: it must beat at least once within its bound."""

    def __init__(self, within: timedelta, clock: Callable[[], float]) -> None:
        self._within = within.total_seconds()
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        self._last = self._clock()

    @property
    def alive(self) -> bool:
        return self._clock() - self._last <= self._within


@dataclass(frozen=True)
class Report:
    """The answer of a probe: whether it is well, and each part by name."""

    ok: bool
    parts: Mapping[str, bool]


class Health:
    """The loops and checks of one process. A probe names parts and never says why: reasons are in the log."""

    def __init__(self, check_within: timedelta = timedelta(seconds=2), clock: Callable[[], float] = monotonic) -> None:
        self._check_within = check_within.total_seconds()
        self._clock = clock
        self._loops: dict[str, Loop] = {}
        self._checks: dict[str, Check] = {}
        self._draining = False

    def loop(self, name: str, within: timedelta) -> Loop:
        """Registers a loop under a name; from now on it must beat."""
        if name in self._loops:
            raise ValueError(f"loop {name!r} is registered twice")
        self._loops[name] = Loop(within, self._clock)
        return self._loops[name]

    def forget_loop(self, name: str) -> None:
        """Ends a loop that finished its work: it is no longer expected to beat."""
        self._loops.pop(name, None)

    def check(self, name: str, check: Check) -> None:
        """Registers a readiness check under a name."""
        if name in self._checks:
            raise ValueError(f"readiness check {name!r} is registered twice")
        self._checks[name] = check

    def drain(self) -> None:
        """From now on the process is not ready, and stays alive: new work goes elsewhere."""
        self._draining = True

    def live(self) -> Report:
        """Alive while every loop has beaten within its bound."""
        parts = {name: loop.alive for name, loop in self._loops.items()}
        return Report(all(parts.values()), parts)

    async def ready(self) -> Report:
        """Ready while every check answers yes in time and the process isn't draining."""
        if self._draining:
            return Report(False, {"accepting": False})
        names = list(self._checks)
        answers = await asyncio.gather(*(self._ask(self._checks[name]) for name in names), return_exceptions=True)
        parts: dict[str, bool] = {}
        for name, answer in zip(names, answers, strict=True):
            parts[name] = answer is True
            if isinstance(answer, BaseException):
                _log.warning("health.check_failed", check=name, exc_info=answer)
        return Report(all(parts.values()), parts)

    async def _ask(self, check: Check) -> bool:
        async with asyncio.timeout(self._check_within):
            return await check()
