import subprocess
import sys
from pathlib import Path

import pytest


def tillit(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillit_cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [["parked", "list"], ["parked", "replay"], ["import", "people", "nobody.json"]])
def test_without_a_stack_a_command_says_how_to_make_one(tmp_path: Path, command: list[str]) -> None:
    answer = tillit(*command, "--state", str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr == f"tillit: there is no stack in {tmp_path}: `tillit up` makes one\n"


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "demo", "import", "parked"])
def test_every_command_tells_what_it_does(command: str) -> None:
    answer = tillit(command, "--help")
    assert answer.returncode == 0
    assert "--help" in answer.stdout


def test_the_help_of_imports_tells_what_the_exit_code_means() -> None:
    for what in ("positions", "people"):
        assert "1 with --strict" in " ".join(tillit("import", what, "--help").stdout.split())
