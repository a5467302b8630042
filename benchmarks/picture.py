"""Draws lines over time as SVG: one small panel for each, from zero, so that what is flat looks flat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 820
PANEL: Final = 130
LEFT: Final = 70
TOP: Final = 28


@dataclass(frozen=True)
class Line:
    """A name with its unit, and points of (seconds, value)."""

    name: str
    points: Sequence[tuple[float, float]]


def picture(lines: Sequence[Line]) -> str:
    """The SVG document."""
    height = PANEL * len(lines) + 10
    panels = "".join(_panel(line, number * PANEL) for number, line in enumerate(lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _panel(line: Line, y: int) -> str:
    last = max((seconds for seconds, _ in line.points), default=0.0) or 1.0
    most = max((value for _, value in line.points), default=0.0) or 1.0
    wide, high = WIDTH - LEFT - 15, PANEL - TOP - 22
    places = " ".join(
        f"{LEFT + seconds / last * wide:.1f},{y + TOP + high - value / most * high:.1f}"
        for seconds, value in line.points
    )
    bottom = y + TOP + high
    return (
        f'<text x="{LEFT}" y="{y + 18}" font-weight="bold">{escape(line.name)}</text>'
        f'<text x="{LEFT - 8}" y="{y + TOP + 10}" text-anchor="end">{most:,.0f}</text>'
        f'<text x="{LEFT - 8}" y="{bottom}" text-anchor="end">0</text>'
        f'<path d="M{LEFT} {y + TOP}V{bottom}H{LEFT + wide}" fill="none" stroke="#999"/>'
        f'<text x="{LEFT + wide}" y="{bottom + 15}" text-anchor="end">{last:,.0f} s</text>'
        f'<polyline points="{places}" fill="none" stroke="#1a5fb4" stroke-width="1.5"/>'
    )
