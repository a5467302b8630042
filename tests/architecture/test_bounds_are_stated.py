"""What can grow is bounded, and `docs/bounds.md` says how: every construct, every measure and every test is there."""

import ast
import re
from typing import Final, NamedTuple

from chassis.metrics import Metrics

from .house import PACKAGES, RIG, ROOT, product_modules

_DOCUMENT: Final = ROOT / "docs/bounds.md"
_MAKES_ONE: Final = frozenset(
    {
        *("lru_cache", "cache", "OrderedDict", "deque", "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"),
        *("Semaphore", "BoundedSemaphore", "create_pool", "BatchSpanProcessor", "AIOKafkaProducer"),
    }
)
"""Names whose use makes something that can fill up."""
_OUTSIDE: Final = ("tillit_cli", "local_stack", "contracts")
"""They run no service: a command ends, the local stack is for one developer, and contracts only declare."""
_TABLES: Final = re.compile(r"CREATE TABLE (\w+)")


class Bound(NamedTuple):
    """One line of the document."""

    what: str
    where: str
    measure: str
    test: str


def bounds(text: str) -> list[Bound]:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [
        Bound(cells[0], cells[1].strip("`"), cells[4].strip("`"), cells[5].strip("`"))
        for cells in rows
        if cells[0] != "what" and not cells[0].startswith("---")
    ]


def makers(source: str) -> set[str]:
    """Which constructs of `_MAKES_ONE` a module uses."""
    nodes = list(ast.walk(ast.parse(source)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return (names | attributes) & _MAKES_ONE


BOUNDS: Final = bounds(_DOCUMENT.read_text(encoding="utf-8"))


def test_every_module_that_keeps_something_is_in_the_table() -> None:
    stated = {bound.where for bound in BOUNDS}
    missing = [
        f"{module.name}: {', '.join(sorted(found))}"
        for module in product_modules()
        if not module.name.startswith((*_OUTSIDE, RIG)) and (found := makers(module.text))
        if module.name.rpartition(".")[2] + ".py" not in stated
    ]
    assert not missing, "\n".join(["state the bound in docs/bounds.md:", *missing])


def test_every_table_of_the_chassis_is_in_the_table() -> None:
    files = sorted((PACKAGES["chassis"] / "migrations").glob("*.sql"))
    tables = {name for file in files for name in _TABLES.findall(file.read_text(encoding="utf-8"))}
    assert tables
    assert tables <= {bound.where for bound in BOUNDS}, "a table that can grow has its line in docs/bounds.md"


def test_every_measure_is_exposed() -> None:
    exposed = Metrics().exposition().decode()
    missing = [bound.what for bound in BOUNDS if f"# TYPE {bound.measure} " not in exposed]
    assert not missing, f"no such measure: {missing}"


def test_every_test_exists_and_every_module_too() -> None:
    tests = {path.name for folder in ("chassis", "services", "tests") for path in (ROOT / folder).rglob("test_*.py")}
    modules = {path.name for package in PACKAGES.values() for path in package.rglob("*.py")}
    missing = [
        bound.what
        for bound in BOUNDS
        if bound.test not in tests or (bound.where.endswith(".py") and bound.where not in modules)
    ]
    assert not missing, f"no such test or module: {missing}"


def test_a_cache_that_is_not_in_the_table_would_be_found() -> None:
    assert makers("from collections import deque\n\nseen = deque()\n") == {"deque"}
    assert makers("import asyncio\n\ngate = asyncio.Semaphore(2)\n") == {"Semaphore"}
    assert bounds("| a | `b.py` | 1 | x | `m` | `t.py` |") == [Bound("a", "b.py", "m", "t.py")]
