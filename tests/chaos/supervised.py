"""One process of the system under test: started, killed, frozen and woken by the rig, and started anew if it ends.

It can't outlive the rig: the kernel kills it when its parent dies.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired
from typing import Final

import httpx

ROOT: Final = Path(__file__).parents[2]
_START_SECONDS: Final = 60.0
_OK: Final = 200


class RigFailure(AssertionError):
    """The rig itself, not the system under test, can't go on."""


@dataclass(slots=True)
class Supervised:
    """A place for one process of a service, on a port that stays."""

    name: str
    module: str
    port: int
    environment: Mapping[str, str]
    log: Path
    clock: Path
    """The file that says how far its clock is off."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the fault that has this process in its hands; two faults never share one."""
    expected_up: bool = False
    _process: "Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def start(self) -> None:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise RigFailure("setpriv is missing: apt-get install -y util-linux")
        with self.log.open("ab") as log:
            self._process = Popen(
                [setpriv, "--pdeathsig=KILL", "--", sys.executable, "-m", self.module, "all"],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                start_new_session=True,
            )
        self.expected_up = True

    async def migrate(self) -> None:
        """Bring the service's database up to date."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self.module, "migrate", cwd=ROOT, env={**os.environ, **self.environment}
        )
        if await process.wait() != 0:
            raise RigFailure(f"{self.module} migrate ended with {process.returncode}")

    async def until_ready(self, http: httpx.AsyncClient) -> None:
        """Return when its health says that it is ready.

        Raises:
            RigFailure: not within a minute; carries its last words.
        """
        await self._until("ready", http)

    async def until_alive(self, http: httpx.AsyncClient) -> None:
        """Return when it answers and its loops run, whatever it lacks.

        Raises:
            RigFailure: not within a minute; carries its last words.
        """
        await self._until("live", http)

    async def _until(self, probe: str, http: httpx.AsyncClient) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    with suppress(httpx.HTTPError):
                        if (await http.get(f"{self.url}/health/{probe}", timeout=2)).status_code == _OK:
                            return
                    await asyncio.sleep(0.1)
        raise RigFailure(f"{self.name} is not {probe}; its last words:\n{self.last_words()}")

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return None if self._process is None else self._process.poll()

    def kill(self) -> None:
        self._end_with(signal.SIGKILL)

    def terminate(self) -> None:
        self._end_with(signal.SIGTERM)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    async def until_ended(self, within: float) -> bool:
        """Whether it ended in time."""
        process = self._process
        if process is not None:
            with suppress(TimeoutExpired):
                await asyncio.to_thread(process.wait, within)
        return self.ended() is not None

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _end_with(self, number: signal.Signals) -> None:
        self.expected_up = False
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
