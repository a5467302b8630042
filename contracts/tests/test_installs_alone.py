"""Another team installs contracts with nothing of ours beside it."""

import subprocess
import sys
from pathlib import Path

from contracts.generate import FOLDER

PYDANTIC_AND_WHAT_IT_NEEDS = {"annotated-types", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection"}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=FOLDER.parent)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return done.stdout


def test_the_wheel_of_contracts_imports_with_pydantic_alone(tmp_path: Path) -> None:
    run("uv", "build", "--quiet", "--package", "tillit-contracts", "--wheel", "--out-dir", str(tmp_path))
    (wheel,) = tmp_path.glob("*.whl")
    python = str(tmp_path / "venv" / "bin" / "python")
    run("uv", "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv"))
    run("uv", "pip", "install", "--quiet", "--python", python, str(wheel))

    installed = run(
        python,
        "-I",
        "-c",
        "import importlib.metadata as m, contracts.registry, contracts.purposes, contracts.compatibility\n"
        "print(*{d.name.lower().replace('_', '-') for d in m.distributions()})\n"
        "print(len(contracts.registry.EVENTS), contracts.registry.__file__)",
    )
    distributions, registry = installed.splitlines()

    assert set(distributions.split()) == {"tillit-contracts", *PYDANTIC_AND_WHAT_IT_NEEDS}
    assert str(tmp_path) in registry
