"""What the documents point at exists, every decision is whole, and nothing of a developer's own machine is told."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .house import ROOT, shown

_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")
_PARTS: Final = ("**Context.**", "**Decision.**", "**Revisit**")
_SKIPPED: Final = frozenset({".venv", ".tillit", "node_modules"})
_MACHINE = re.compile(r"(?<![\w.])/(?:home|Users|root)/\w+")


def _documents() -> list[Path]:
    return [
        p
        for p in sorted(ROOT.rglob("*.md"))
        if not any(part.startswith(".") or part in _SKIPPED for part in p.relative_to(ROOT).parts)
    ]


def dead_links(text: str, folder: Path) -> Iterator[str]:
    """Targets of relative links that are not there."""
    yield from (target for target in _LINK.findall(text) if not (folder / target).exists())


def told_of_a_machine(text: str) -> list[str]:
    """Absolute paths of somebody's own folders."""
    return [match[0] for match in _MACHINE.finditer(text)]


def missing_parts(decision: str) -> list[str]:
    return [part for part in _PARTS if part not in decision]


def test_every_link_leads_somewhere() -> None:
    dead = [f"{shown(d)}: {t}" for d in _documents() for t in dead_links(d.read_text(encoding="utf-8"), d.parent)]
    assert not dead, "\n".join(["dead links:", *dead])


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {name for d in _documents() for name in re.findall(r"`make ([a-z-]+)`", d.read_text(encoding="utf-8"))}
    assert named <= targets, f"`make help` does not list {sorted(named - targets)}"


def test_every_decision_tells_context_decision_and_when_to_revisit_it() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert decisions
    partial = {d.name: missing for d in decisions if (missing := missing_parts(d.read_text(encoding="utf-8")))}
    assert not partial, f"a decision without its context or its trigger can't be taken back: {partial}"
    numbers = [int(d.name[:4]) for d in decisions]
    assert numbers == list(range(1, len(numbers) + 1)), "decisions are numbered without gaps"


def test_no_document_tells_of_a_developers_own_machine() -> None:
    told = {shown(d): found for d in _documents() if (found := told_of_a_machine(d.read_text(encoding="utf-8")))}
    assert not told, f"paths that exist on one machine only: {told}"


def test_a_document_that_misleads_is_found(tmp_path: Path) -> None:
    (tmp_path / "here.md").write_text("")
    text = "[a](here.md) [b](gone.md#x) [c](https://example.com)"
    assert list(dead_links(text, tmp_path)) == ["gone.md"]
    assert told_of_a_machine("see /home/kari/tillit and deploy/local") == ["/home/kari"]
    assert missing_parts("**Context.** x **Decision.** y") == ["**Revisit**"]


def test_every_store_of_the_erasure_grade_names_the_test_that_sees_it() -> None:
    """What lies outside of the system has none: it is said as such."""
    lines = (ROOT / "docs/erasure-grade.md").read_text(encoding="utf-8").splitlines()
    stores = [line for line in lines if line.startswith("| ") and not line.startswith(("| store", "|---"))]
    untested = [line for line in stores if not re.search(r"\]\(\.\./[^)]*/test_\w+\.py\) \|$", line)]
    assert len(stores) > 15
    assert [line for line in untested if "outside: " not in line] == []
