"""A process's clock that the rig steps back and forth while the process runs; the machine's own clock stays as it is."""

from datetime import datetime, timedelta
from pathlib import Path

from chassis.clock import SystemClock


class SteppedClock:
    """The machine's time, off by the seconds that stand in a file, which is read whenever the time is asked."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(seconds=float(self._file.read_text()))


def step(file: Path, seconds: float) -> None:
    """Set how far the clock is off. Whoever reads meanwhile reads the old or the new."""
    fresh = file.with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.replace(file)
