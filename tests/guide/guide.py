"""Reads the guide as a reader does: its files, and its commands in their order."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
GUIDE: Final = ROOT / "docs/guides/publish-and-subscribe.md"
TESTING_GUIDE: Final = ROOT / "docs/guides/testing-a-service.md"
EXAMPLE: Final = ROOT / "examples/partner-board"

_BLOCK = re.compile(
    r"(?:^`(?P<path>[\w./-]+)`:\n\n)?^```(?P<kind>[\w-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block. `path` is the file that it is, or empty; `section` the heading above it."""

    section: str
    kind: str
    path: str
    text: str


def blocks(guide: str) -> list[Block]:
    """Every fenced block, in order."""
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(guide)]
    return [
        Block(
            section=next((title for start, title in reversed(headings) if start < match.start()), ""),
            kind=match["kind"],
            path=match["path"] or "",
            text=match["text"],
        )
        for match in _BLOCK.finditer(guide)
    ]


def told() -> list[Block]:
    return blocks(GUIDE.read_text(encoding="utf-8"))


def files(found: list[Block]) -> dict[str, str]:
    """The files that the reader writes, by their path in the folder that was empty."""
    return {block.path: block.text for block in found if block.path}


def commands(found: list[Block], section: str) -> list[str]:
    """What the reader types in the section whose heading begins so."""
    return [block.text for block in found if block.kind == "sh" and block.section.startswith(section)]
