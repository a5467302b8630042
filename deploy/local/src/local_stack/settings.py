"""Everything the local stack takes from its environment; no other module of it reads one."""

import os
from collections.abc import Mapping
from pathlib import Path

from local_stack.failure import StackError
from local_stack.ports import port_names, variable_of

REPOSITORY = Path(__file__).resolve().parents[4]
"""The workspace is always installed from its folder, so the source tells where the repository is."""


def state_folder(chosen: Path | None) -> Path:
    """The chosen folder, else TILLIT_STATE, else `.tillit` in the repository."""
    folder = chosen or Path(os.environ.get("TILLIT_STATE") or REPOSITORY / ".tillit")
    return folder.expanduser().resolve()


def downloads_folder() -> Path:
    """Where downloaded programs lie: shared by every stack of this repository and kept by a wipe."""
    return Path(os.environ.get("TILLIT_DOWNLOADS") or REPOSITORY / ".tillit" / "downloads").expanduser().resolve()


def ports_from_environment() -> dict[str, int]:
    found: dict[str, int] = {}
    for name in port_names():
        text = os.environ.get(variable_of(name), "")
        if not text:
            continue
        if not text.isdecimal():
            raise StackError(f"{variable_of(name)} is {text!r}: it must be a port number")
        found[name] = int(text)
    return found


def inherited(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: ours, with these changes on top."""
    return {**os.environ, **changes}


def chosen(name: str, default: str) -> str:
    """A service's setting as the environment has it, else the local stack's default for it."""
    return os.environ.get(name) or default
