"""PROMISES.md tells of every promise of the privacy policy whether it is kept, and by which test that is seen."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .house import ROOT, shown

IDS: Final = (
    *(f"D{n}" for n in range(1, 8)),
    *(f"P{n}" for n in range(1, 10)),
    *(f"S{n}" for n in range(1, 6)),
    *(f"R{n}" for n in range(1, 9)),
    *(f"A{n}" for n in range(1, 11)),
    *(f"C{n}" for n in range(1, 4)),
    *(f"V{n}" for n in range(1, 4)),
    *(f"L{n}" for n in range(1, 6)),
)
"""Every promise of the privacy policy. A new one is added here first."""

ORDERS: Final[Mapping[int, str]] = {
    1: "spine",
    2: "rig and guide",
    3: "provable erasure",
    4: "profile",
    5: "notifications",
    6: "rights and retention",
    7: "usage and statistics",
    8: "deploy",
}
"""The order of building: what an unproven promise waits for."""

_FILE = re.compile(r"\]\((tests/[\w./-]+\.py)\)")
_ORDER = re.compile(r"order (\d) \(([^)]+)\)")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    id: str
    promise: str
    state: str
    kept_by: str
    proof: str


def rows(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"[A-Z]\d+", cells[0]):
            yield Row(*cells)


def failings(found: Sequence[Row], proofs: Sequence[str]) -> Iterator[str]:
    """Everything that the table does not tell, or tells untruly. `proofs` are the tests that exist."""
    told = [row.id for row in found]
    yield from (f"{id_} has no row" for id_ in IDS if id_ not in told)
    yield from (f"{id_} has {told.count(id_)} rows" for id_ in dict.fromkeys(told) if told.count(id_) > 1)
    yield from (f"{id_} is no promise of the policy" for id_ in told if id_ not in IDS)
    for row in found:
        if not row.promise:
            yield f"{row.id} does not say what is promised"
        if row.state == "proved":
            yield from _untrue_proofs(row, proofs)
        elif row.state == "unproven":
            yield from _unplanned(row)
        else:
            yield f"{row.id} is {row.state!r}: write proved or unproven"
        yield from _unnamed(row, proofs)


def _untrue_proofs(row: Row, proofs: Sequence[str]) -> Iterator[str]:
    named = _FILE.findall(row.proof)
    if not row.kept_by:
        yield f"{row.id} is called proved and does not say what code keeps it"
    if not named:
        yield f"{row.id} is called proved and links to no test"
    yield from (f"{row.id} is proved by {path}, which does not exist" for path in named if path not in proofs)
    if named and not any(_proves(row.id, path) for path in named):
        yield f"{row.id} is proved by a test that is not named after it: tests/promises/test_{row.id.lower()}_….py"


def _unplanned(row: Row) -> Iterator[str]:
    order = _ORDER.search(row.proof)
    if order is None or ORDERS.get(int(order[1])) != order[2]:
        yield f"{row.id} is unproven and names no order that brings it, such as `order 4 (profile)`"


def _unnamed(row: Row, proofs: Sequence[str]) -> Iterator[str]:
    for path in proofs:
        if _proves(row.id, path) and path not in _FILE.findall(row.proof):
            yield f"{row.id} does not name its proof {path}"


def _proves(id_: str, path: str) -> bool:
    return Path(path).name.startswith(f"test_{id_.lower()}_")


def _existing() -> list[str]:
    return [
        shown(path) for folder in ("promises", "architecture") for path in (ROOT / "tests" / folder).glob("test_*.py")
    ]


def test_every_promise_is_proved_by_its_test_or_says_what_it_waits_for() -> None:
    found = list(failings(list(rows((ROOT / "PROMISES.md").read_text(encoding="utf-8"))), _existing()))
    assert not found, "\n".join(["PROMISES.md:", *found])


def test_a_table_that_is_incomplete_or_untrue_is_found() -> None:
    good = [Row(id_, "something", "unproven", "", "order 4 (profile)") for id_ in IDS]
    proof = "tests/promises/test_a4_a_person_is_forgotten.py"
    assert list(failings(good, [])) == []

    def said(row: Row, proofs: Sequence[str] = ()) -> str:
        return "\n".join(failings([row if one.id == row.id else one for one in good], proofs))

    assert list(failings(good[1:], [])) == ["D1 has no row"]
    assert list(failings([*good, good[0]], [])) == ["D1 has 2 rows"]
    assert list(failings([*good, Row("Z9", "x", "unproven", "", "order 4 (profile)")], [])) == [
        "Z9 is no promise of the policy"
    ]
    assert said(Row("A4", "x", "proved", "`a.py`", f"[it]({proof})"), [proof]) == ""
    assert "which does not exist" in said(Row("A4", "x", "proved", "`a.py`", f"[it]({proof})"))
    assert "links to no test" in said(Row("A4", "x", "proved", "`a.py`", "seen"))
    assert "not named after it" in said(Row("A5", "x", "proved", "`a.py`", f"[it]({proof})"), [proof])
    assert "names no order" in said(Row("A4", "x", "unproven", "", "later"))
    assert "names no order" in said(Row("A4", "x", "unproven", "", "order 4 (deploy)"))
    assert "does not name its proof" in said(Row("A4", "x", "unproven", "", "order 3 (provable erasure)"), [proof])
    assert "write proved or unproven" in said(Row("A4", "x", "done", "", ""))
    assert "does not say what code" in said(Row("A4", "x", "proved", "", f"[it]({proof})"), [proof])
