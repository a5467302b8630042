import subprocess
import sys
from pathlib import Path

import pytest
from tillit_cli.main import app
from typer.testing import CliRunner


def tillit(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillit_cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [["parked", "list"], ["parked", "replay"], ["import", "people", "nobody.json"]])
def test_without_a_stack_a_command_says_how_to_make_one(tmp_path: Path, command: list[str]) -> None:
    answer = tillit(*command, "--state", str(tmp_path))
    assert answer.returncode == 1
    assert answer.stderr == f"tillit: there is no stack in {tmp_path}: `tillit up` makes one\n"


def help_of(*command: str) -> str:
    answer = CliRunner().invoke(app, [*command, "--help"])
    assert answer.exit_code == 0
    return " ".join(answer.output.split())


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "demo", "import", "parked"])
def test_every_command_tells_what_it_does(command: str) -> None:
    assert f"{command} [OPTIONS]" in help_of(command)


def test_the_help_of_imports_tells_what_the_exit_code_means() -> None:
    for what in ("positions", "people"):
        assert "1 with --strict" in help_of("import", what)
