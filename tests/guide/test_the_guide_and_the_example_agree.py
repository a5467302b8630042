"""What the guide shows is what the example is, so that neither can be right alone."""

import subprocess

import chassis.testing

from tests.guide.guide import EXAMPLE, ROOT, TESTING_GUIDE, Block, blocks, commands, files, told


def test_every_file_of_the_guide_is_the_examples_file() -> None:
    shown = files(told())
    source = {path for path in EXAMPLE.rglob("*") if path.suffix in {".py", ".sql"} and "src" in path.parts}
    assert set(shown) == {
        f"partner-board/{path.relative_to(EXAMPLE)}" for path in {*source, EXAMPLE / "pyproject.toml"}
    }
    assert _differing(shown) == [], "the guide shows other text than the example has"


def test_every_file_of_the_guide_to_testing_is_the_examples_file() -> None:
    shown = files(blocks(TESTING_GUIDE.read_text("utf-8")))
    assert "partner-board/conftest.py" in shown
    assert _differing(shown) == [], "the guide to testing shows other text than the example has"


def test_the_guide_to_testing_tells_of_everything_that_is_public() -> None:
    text = TESTING_GUIDE.read_text("utf-8")
    assert [name for name in chassis.testing.__all__ if name not in text] == []


def _differing(shown: dict[str, str]) -> list[str]:
    return [path for path, text in shown.items() if (ROOT / "examples" / path).read_text("utf-8") != text]


def test_the_change_that_lets_the_service_in_is_the_one_that_is_shown_and_still_applies() -> None:
    patch = EXAMPLE / "registration.patch"
    [shown] = [block.text for block in told() if block.kind == "diff"]
    assert shown == patch.read_text("utf-8")
    applied = subprocess.run(["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True)
    assert applied.returncode == 0, f"make {patch.name} anew, it no longer fits:\n{applied.stderr}"


def test_the_reader_of_the_guide_sees_files_and_commands() -> None:
    text = "## 1. One\n\n`a/b.py`:\n\n```python\nx = 1\n```\n\n```sh\nls\n```\n\n## 2. Two\n```text\nno\n```\n"
    found = blocks(text)
    assert found == [
        Block("1. One", "python", "a/b.py", "x = 1\n"),
        Block("1. One", "sh", "", "ls\n"),
        Block("2. Two", "text", "", "no\n"),
    ]
    assert files(found) == {"a/b.py": "x = 1\n"}
    assert commands(found, "1.") == ["ls\n"]
