"""`python -m contracts.compatibility`: what it compares with, and what it says."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from contracts.compatibility import main
from contracts.generate import FOLDER
from contracts.schema_baseline import NoBaseline, baseline_of_folder, baseline_of_ref


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    """A copy of the committed schemas, to be spoilt."""
    shutil.copytree(FOLDER / "schemas", tmp_path / "schemas")
    return tmp_path / "schemas"


def test_the_command_passes_in_silence_when_nothing_breaks(schemas: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--against", str(schemas)]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_command_refuses_by_schema_and_field_with_the_cure(
    schemas: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = schemas / "subject.erased.v1.json"
    old = json.loads(file.read_text("utf-8"))
    old["properties"]["reason"] = {"type": "string"}
    file.write_text(json.dumps(old), "utf-8")

    assert main(["--against", str(schemas)]) == 1
    told = capsys.readouterr().err
    assert f"contracts/schemas/subject.erased.v1.json: reason: was removed (against {schemas})" in told
    assert "add a new one beside it" in told


def test_the_command_fails_with_the_cure_when_the_baseline_asked_for_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--against", str(tmp_path)]) == 2
    assert "name the one that holds the schemas" in capsys.readouterr().err
    assert main(["--against", "no-such-ref"]) == 2
    assert "no such commit here" in capsys.readouterr().err


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_the_schemas_of_a_commit_are_read_as_they_were_then(tmp_path: Path) -> None:
    contracts = tmp_path / "contracts"
    shutil.copytree(FOLDER / "schemas", contracts / "schemas")
    shutil.copy(FOLDER / "pyproject.toml", contracts)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    committed = baseline_of_folder(contracts / "schemas")
    (contracts / "schemas" / "subject.erased.v1.json").unlink()

    assert baseline_of_ref(contracts, "HEAD") == committed
    with pytest.raises(NoBaseline, match="a first commit, a shallow clone"):
        baseline_of_ref(contracts, "HEAD~1")


def test_a_commit_from_before_there_were_schemas_is_no_reason_to_fail(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "pyproject.toml", tmp_path)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")

    with pytest.raises(NoBaseline, match="the commit has no schemas"):
        baseline_of_ref(tmp_path, "HEAD")


def test_a_folder_without_git_is_no_reason_to_fail(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "pyproject.toml", tmp_path)

    with pytest.raises(NoBaseline, match="no git"):
        baseline_of_ref(tmp_path, "HEAD")
