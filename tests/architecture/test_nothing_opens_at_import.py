"""Importing a module connects to nothing and needs no setting: tools and tests import everything, at any time."""

import os
import subprocess
import sys
from pathlib import Path

from .house import PACKAGES

_SCRIPT = Path(__file__).parent / "importing.py"


def _import_all(packages: list[str], *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TILLIT_")}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, str(_SCRIPT), *packages], capture_output=True, text=True, env=environment, timeout=60
    )


def test_every_module_imports_without_a_connection_or_a_setting() -> None:
    done = _import_all(list(PACKAGES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_module_that_connects_when_imported_is_found(tmp_path: Path) -> None:
    package = tmp_path / "early"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "bird.py").write_text("import socket\nsocket.socket().connect(('127.0.0.1', 9))\n")
    done = _import_all(["early"], path=tmp_path)
    assert done.returncode == 1
    assert "early.bird opens a connection" in done.stdout


def test_a_module_that_needs_a_setting_when_imported_is_found(tmp_path: Path) -> None:
    package = tmp_path / "early"
    package.mkdir()
    (package / "__init__.py").write_text("import os\nURL = os.environ['TILLIT_DATABASE_URL']\n")
    assert _import_all(["early"], path=tmp_path).returncode == 1
