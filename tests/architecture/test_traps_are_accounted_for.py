"""docs/traps.md tells of every trap of systems like this one which test sees that we avoid it, or what brings it."""

import ast
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from .house import ROOT
from .test_promises_are_accounted_for import ORDERS

LAST: Final = 60
BAD_INPUT: Final = (
    "unknown subject",
    "double request",
    "forged holder reply",
    "reply for another subject",
    "tampered checkpoint",
    "tampered tile",
    "truncated receipt",
    "wrong key epoch",
    "keyring unreachable for an hour in mid-erasure",
    "clock steps",
    "a script that asks for 10,000 erasures",
)
"""What an erasure must survive: order 3's list."""
_LINK = re.compile(r"\[([a-z0-9_]+)\]\(\.\./([\w./-]+\.py)\)")
_LATER = re.compile(r"\bnot yet: .*order (\d) \(([^)]+)\)")

Names = Callable[[str], Collection[str]]
"""The test functions of a file of the repository; none where there is no such file."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    trap: int
    wrong: str
    kept_out: str
    seen_by: str


def rows(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and cells[0].isdecimal():
            yield Row(int(cells[0]), *cells[1:])


def of_bad_input(text: str) -> dict[str, Row]:
    """The rows of the second table, by the input."""
    found: dict[str, Row] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0] in BAD_INPUT:
            found[cells[0]] = Row(1, *cells)
    return found


def failings(found: Sequence[Row], names: Names) -> Iterator[str]:
    """Everything that the table does not tell, or tells untruly."""
    told = [row.trap for row in found]
    yield from (f"trap {trap} has {told.count(trap)} rows" for trap in range(1, LAST + 1) if told.count(trap) != 1)
    yield from (f"trap {trap} is none of the list" for trap in told if not 1 <= trap <= LAST)
    for row in found:
        yield from (f"trap {row.trap} {why}" for why in untrue(row, names))


def untrue(row: Row, names: Names) -> Iterator[str]:
    """What one row does not tell, or tells untruly."""
    links = _LINK.findall(row.seen_by)
    later = _LATER.search(row.kept_out)
    if not row.wrong or not row.kept_out:
        yield "does not say what goes wrong and what keeps us out"
    if not links and later is None:
        yield "names no test, and no order that brings it: `not yet: order 4 (profile)`"
    if later is not None and ORDERS.get(int(later[1])) != later[2]:
        yield "waits for an order that there is not"
    for name, path in links:
        if f"test_{name}" not in names(path):
            yield f"names a test that {path} has not: test_{name}"


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_trap_is_seen_to_be_avoided_or_says_what_brings_it() -> None:
    found = list(failings(list(rows((ROOT / "docs/traps.md").read_text(encoding="utf-8"))), functions_of))
    assert not found, "\n".join(["docs/traps.md:", *found])


def test_every_bad_input_of_an_erasure_has_its_test() -> None:
    found = of_bad_input((ROOT / "docs/traps.md").read_text(encoding="utf-8"))
    assert set(found) == set(BAD_INPUT)
    assert [f"{what} {why}" for what, row in found.items() for why in untrue(row, functions_of)] == []


def test_a_table_of_traps_that_is_incomplete_or_untrue_is_found() -> None:
    good = [Row(trap, "it", "not yet: order 4 (profile)", "") for trap in range(1, LAST + 1)]
    seen = Row(7, "it", "the guard", "[nobody_comes_back](../tests/test_a.py)")

    def said(row: Row, *names: str) -> str:
        table = [row if one.trap == row.trap else one for one in good]
        return "\n".join(failings(table, lambda path: names if path == "tests/test_a.py" else ()))

    assert list(failings(good, lambda _: ())) == []
    assert list(failings(good[1:], lambda _: ())) == ["trap 1 has 0 rows"]
    assert list(failings([*good, good[0]], lambda _: ())) == ["trap 1 has 2 rows"]
    assert "none of the list" in "\n".join(failings([*good, Row(61, "it", "a", "b")], lambda _: ()))
    assert said(seen, "test_nobody_comes_back") == ""
    assert "has not: test_nobody_comes_back" in said(seen, "test_somebody_else")
    assert "names no test" in said(Row(7, "it", "the guard", "seen"))
    assert "names no test" in said(Row(7, "it", "not yet: later", ""))
    assert "order that there is not" in said(Row(7, "it", "not yet: order 4 (deploy)", ""))
    assert "does not say what goes wrong" in said(Row(7, "", "not yet: order 4 (profile)", ""))
