"""Draws a round as SVG: what was struck when, a lane each; below it what was acknowledged and what arrived; the drain."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from tests.chaos.timeline import Struck
from tests.chaos.verdict import Violation

_WIDTH: Final = 1100
_LEFT: Final = 150
_RIGHT: Final = 20
_LANE: Final = 22
_TOP: Final = 46
_CHART: Final = 170
_FIRST_LANES: Final = ("people", "broker", "database", "keyring")
_LETTER: Final = 4.6
"""About how wide a letter is at the size of a bar's label."""
_COLOURS: Final = {
    "kill": "#c0392b",
    "crash": "#c0392b",
    "full": "#8e44ad",
    "freeze": "#2e86c1",
    "pause": "#2e86c1",
    "starvation": "#5d6d7e",
    "clock": "#b7950b",
    "cut": "#d35400",
    "black hole": "#1c2833",
    "one way": "#e67e22",
    "away": "#a04000",
    "gone": "#a04000",
    "worker": "#16a085",
    "terminate": "#16a085",
    "restart": "#16a085",
    "erasure": "#6c3483",
    "replay": "#239b56",
}
"""By a word of the fault's kind; the first that fits."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture shows. Times are seconds of the round."""

    title: str
    faults: Sequence[Struck]
    acknowledged: Sequence[float]
    arrived: Sequence[float]
    faults_over: float
    drained: float
    violations: Sequence[Violation]

    def svg(self) -> str:
        """The whole document."""
        lanes = self._lanes()
        chart_top = _TOP + _LANE * len(lanes) + 30
        height = chart_top + _CHART + 60
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="11">',
            f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
            _text(10, 20, self.title, size=14),
            *self._axis(chart_top + _CHART),
            *self._drain(chart_top + _CHART),
            *self._bars(lanes),
            *self._rates(chart_top),
            *self._marks(chart_top + _CHART),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    @property
    def _end(self) -> float:
        return max(self.drained, self.faults_over, 1.0)

    def _x(self, at: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(at, 0.0), self._end) / self._end

    def _lanes(self) -> list[str]:
        struck = {fault.lane for fault in self.faults}
        rest = sorted(struck - set(_FIRST_LANES), key=lambda lane: (" to " in lane, lane))
        return [lane for lane in _FIRST_LANES if lane in struck] + rest

    def _axis(self, bottom: float) -> Iterator[str]:
        step = next(step for step in (1, 2, 5, 10, 20, 60, 3600) if self._end / step <= 20)
        for second in range(0, int(self._end) + 1, step):
            x = self._x(second)
            yield f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{bottom}" stroke="#eee"/>'
            yield _text(x, bottom + 14, f"{second} s", anchor="middle", colour="#555")

    def _drain(self, bottom: float) -> Iterator[str]:
        start, end = self._x(self.faults_over), self._x(self.drained)
        yield (
            f'<rect x="{start:.1f}" y="{_TOP - 8}" width="{max(end - start, 1):.1f}" '
            f'height="{bottom - _TOP + 8}" fill="#eafaf1"/>'
        )
        text = f"drain: {self.drained - self.faults_over:.1f} s"
        yield _text(end - 4, _TOP - 12, text, anchor="end", colour="#1e8449")

    def _bars(self, lanes: Sequence[str]) -> Iterator[str]:
        for number, lane in enumerate(lanes):
            y = _TOP + _LANE * number
            yield _text(_LEFT - 8, y + 13, lane, anchor="end")
            yield f'<line x1="{_LEFT}" y1="{y + _LANE - 2}" x2="{_WIDTH - _RIGHT}" y2="{y + _LANE - 2}" stroke="#eee"/>'
            bars = sorted((fault for fault in self.faults if fault.lane == lane), key=lambda fault: fault.began)
            starts = [self._x(fault.began) for fault in bars]
            for fault, start, following in zip(bars, starts, [*starts[1:], _WIDTH - _RIGHT], strict=True):
                width = max(self._x(fault.ended if fault.ended is not None else self._end) - start, 3)
                yield (
                    f'<rect x="{start:.1f}" y="{y + 2}" width="{width:.1f}" height="{_LANE - 8}" rx="2" '
                    f'fill="{_colour(fault.kind)}" fill-opacity="0.75"><title>{escape(str(fault))}</title></rect>'
                )
                if following - start > _LETTER * len(fault.kind):
                    inside = width > _LETTER * len(fault.kind)
                    yield _text(start + 3, y + 12, fault.kind, size=8, colour="white" if inside else "#222")

    def _rates(self, top: float) -> Iterator[str]:
        most = max([1, *_per_second(self.acknowledged).values(), *_per_second(self.arrived).values()])
        for text, moments, colour, at in (
            ("acknowledged/s", self.acknowledged, "#2471a3", 0),
            ("arrived/s", self.arrived, "#cb4335", 1),
        ):
            rates = _per_second(moments)
            points = " ".join(
                f"{self._x(second + 0.5):.1f},{top + _CHART * (1 - rates[second] / most):.1f}"
                for second in range(int(self._end) + 1)
            )
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
            yield _text(_LEFT - 8, top + 14 + 14 * at, text, anchor="end", colour=colour)
        yield _text(_LEFT - 8, top + 46, f"most: {most}/s", anchor="end", colour="#555")

    def _marks(self, bottom: float) -> Iterator[str]:
        text = f"{len(self.violations)} violations" if self.violations else "no violations"
        yield _text(_LEFT, bottom + 40, text, colour="#c0392b" if self.violations else "#1e8449", size=13)
        for violation in self.violations:
            x = self._x(violation.at if violation.at is not None else self._end)
            yield (
                f'<path d="M {x:.1f} {bottom - 8} l 5 9 h -10 z" fill="#c0392b">'
                f"<title>{escape(f'{violation.kind}: {violation.text}')}</title></path>"
            )


def _per_second(moments: Sequence[float]) -> Counter[int]:
    return Counter(int(moment) for moment in moments if moment >= 0)


def _colour(kind: str) -> str:
    return next((colour for word, colour in _COLOURS.items() if word in kind), "#7f8c8d")


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#222", size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(text)}</text>'
    )
