"""Knows what was done to the system when, in seconds of the round: the context in which a violation is read."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from chassis.clock import SystemClock, monotonic


@dataclass(slots=True)
class Struck:
    """One fault as it happened."""

    kind: str
    text: str
    lane: str
    """What it struck, by the name that its lane in the picture bears."""
    began: float
    ended: float | None = None

    def __str__(self) -> str:
        until = "…" if self.ended is None else f"{self.ended:.1f}"
        return f"{self.began:6.1f}-{until:>5} s  {self.kind}: {self.text}"


@dataclass(slots=True)
class Timeline:
    """The round's clock and its faults."""

    faults: list[Struck] = field(default_factory=list[Struck])
    _start: float = field(default_factory=monotonic)
    _started_at: datetime = field(default_factory=SystemClock().now)

    def start(self) -> None:
        """The round begins now."""
        self._start, self._started_at = monotonic(), SystemClock().now()

    def now(self) -> float:
        return monotonic() - self._start

    def at(self, moment: datetime) -> float:
        """A time that the system wrote down, in seconds of the round."""
        return (moment - self._started_at).total_seconds()

    def began(self, kind: str, text: str, lane: str) -> Struck:
        struck = Struck(kind, text, lane, self.now())
        self.faults.append(struck)
        return struck

    def ended(self, struck: Struck) -> None:
        struck.ended = self.now()

    def counts(self) -> Counter[str]:
        return Counter(struck.kind for struck in self.faults)

    def around(self, at: float | None, within: float = 20.0) -> list[Struck]:
        """Faults that were under way within this many seconds of a moment; all when it isn't known."""
        if at is None:
            return self.faults
        return [
            struck
            for struck in self.faults
            if struck.began <= at + within and (struck.ended is None or struck.ended >= at - within)
        ]
