"""A test's name is a sentence about a guarantee: a failing run tells what no longer holds, without opening a file."""

import ast
from collections.abc import Iterator

from .house import ROOT, files_of_tests, shown

LEAST_WORDS = 4
REASON = "name the guarantee: test_a_restricted_person_gets_no_mail"


def short_names(source: str) -> Iterator[tuple[int, str]]:
    """Test functions, and methods of test classes, whose name is no sentence."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        if len([word for word in node.name.removeprefix("test_").split("_") if word]) < LEAST_WORDS:
            yield node.lineno, node.name


def test_every_test_is_named_by_a_sentence() -> None:
    short = [
        f"{shown(path)}:{line}: {name} has fewer than {LEAST_WORDS} words: {REASON}"
        for path in files_of_tests()
        for line, name in short_names(path.read_text(encoding="utf-8"))
    ]
    assert not short, "\n".join(["", *short])


def test_a_name_that_is_no_sentence_is_found() -> None:
    assert list(short_names("def test_api(): ...\n")) == [(1, "test_api")]
    assert list(short_names("class TestIt:\n    async def test_it_works(self): ...\n")) == [(2, "test_it_works")]
    assert list(short_names("def test_a_repeat_changes_nothing(): ...\n")) == []


def test_every_test_module_is_named_by_what_it_proves() -> None:
    vague = {"test_utils.py", "test_common.py", "test_helpers.py", "test_misc.py", "test_main.py", "test_all.py"}
    assert [shown(path) for path in files_of_tests() if path.name in vague] == []
    assert (ROOT / "tests/architecture/test_test_names.py") in files_of_tests()
