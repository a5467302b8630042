"""Where the schemas to compare with are read from: a folder, or a commit of this checkout."""

import json
import subprocess
from pathlib import Path

from contracts.wire_schema import JsonObject, json_object


class NoBaseline(Exception):
    """There are no schemas to compare with; the text says why and what helps."""


def baseline_of_folder(folder: Path) -> dict[str, JsonObject]:
    """The schemas of a folder, by the path that they have in the contracts folder.

    Raises:
        NoBaseline: the folder holds none.
    """
    found = {f"schemas/{file.name}": _parsed(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))}
    if not found:
        raise NoBaseline("no *.json in this folder: name the one that holds the schemas")
    return found


def baseline_of_ref(contracts: Path, ref: str) -> dict[str, JsonObject]:
    """The schemas as committed at a git ref, by their path in the contracts folder.

    Raises:
        NoBaseline: no git here, no such commit (the first one, or a shallow clone), or it had no schemas.
    """
    if not (contracts / "pyproject.toml").is_file():
        raise NoBaseline("not a checkout of the project: pass --against a folder of schemas")
    try:
        commit = _git(contracts, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise NoBaseline("no such commit here (a first commit, a shallow clone, no git): nothing to compare") from None
    paths = [path for path in _git(contracts, "ls-tree", "--name-only", commit, "schemas/").splitlines() if path]
    if not paths:
        raise NoBaseline("the commit has no schemas: nothing to compare")
    return {path: _parsed(_git(contracts, "show", f"{commit}:./{path}")) for path in paths if path.endswith(".json")}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout  # noqa: S603


def _parsed(text: str) -> JsonObject:
    return json_object(json.loads(text))
