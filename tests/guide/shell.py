"""One terminal of a reader: commands are typed into one bash, whose jobs and variables stay."""

import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Final, cast
from uuid import uuid4

from chassis.clock import monotonic

LONGEST: Final = 240.0


class Shell:
    """A bash that ends at the first command that fails, as the reader would stop there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-um"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=dict(environment),
        )
        self._said: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._type("set -e -o pipefail")

    def __enter__(self) -> "Shell":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave; what still runs in the background goes with it."""
        if self._bash.poll() is None:
            self._type("kill $(jobs -p) 2>/dev/null; wait; exit 0")
        self._bash.wait(timeout=60)
        for pipe in (self._bash.stdin, self._bash.stdout):
            cast("IO[str]", pipe).close()

    def run(self, commands: str) -> str:
        """What they said.

        Raises:
            AssertionError: one failed, or all together took too long; with what was said so far.
        """
        done = f"done-{uuid4()}"
        self._type(f"{commands.rstrip()}\necho; echo {done}")
        deadline, said = monotonic() + LONGEST, list[str]()
        while True:
            try:
                line = self._said.get(timeout=max(deadline - monotonic(), 0.1))
            except queue.Empty:
                raise AssertionError(f"not done after {LONGEST} s:\n{commands}\n{''.join(said)}") from None
            assert line is not None, f"this failed:\n{commands}\nIt said:\n{''.join(said)}"
            if line.strip() == done:
                return "".join(said)
            said.append(line)

    def _type(self, text: str) -> None:
        pipe = cast("IO[str]", self._bash.stdin)
        pipe.write(text + "\n")
        pipe.flush()

    def _listen(self) -> None:
        for line in cast("IO[str]", self._bash.stdout):
            self._said.put(line)
        self._said.put(None)
