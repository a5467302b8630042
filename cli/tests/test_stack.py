import subprocess
import sys
from pathlib import Path

import pytest


def tillit(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tillit_cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_status_says_how_to_start_a_stack_that_is_down(tmp_path: Path) -> None:
    answer = tillit("status", "--state", str(tmp_path))
    assert (answer.returncode, answer.stdout) == (1, "No stack is running: `tillit up` starts one.\n")


def test_down_without_a_stack_is_no_failure(tmp_path: Path) -> None:
    answer = tillit("down", "--state", str(tmp_path))
    assert (answer.returncode, answer.stdout) == (0, "No stack is running.\n")


@pytest.mark.parametrize("choice", ["kafka", "kafka=many", "kafak=1", "kafka=0", "kafka=29093"])
def test_a_port_that_makes_no_sense_is_refused_in_one_line(tmp_path: Path, choice: str) -> None:
    answer = tillit("up", "--state", str(tmp_path), "--port", choice)
    assert answer.returncode == 1
    assert answer.stderr.startswith("tillit: ")
    assert "kafka" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_logs_without_a_stack_names_what_there_is(tmp_path: Path) -> None:
    answer = tillit("logs", "kafka", "--state", str(tmp_path))
    assert answer.returncode == 1
    assert "none yet" in answer.stderr


@pytest.mark.parametrize("content", [None, "{", "[1]"])
def test_an_import_of_a_file_that_cannot_be_read_fails(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "people.json"
    if content is not None:
        file.write_text(content)
    answer = tillit("import", "people", str(file), "--profile", "http://127.0.0.1:9")
    whole = content != "[1]"
    assert answer.returncode == (1 if whole else 0), "an item that is bad is no failure without --strict"
    assert answer.stdout.startswith("the file: " if whole else "item 0: ")
