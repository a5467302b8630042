"""A reader of the guide, in a folder that was empty but for a checkout, with a terminal."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from chassis.testing.engine import need_programs
from local_stack.settings import downloads_folder

from tests.guide.guide import ROOT, files, told
from tests.guide.reader import Reader
from tests.guide.shell import Shell
from tests.promises.conftest import free_ports


@pytest.fixture(scope="package")
def reader() -> Iterator[Reader]:
    """At the end of step 5: the service runs beside the others. Everything is gone afterwards."""
    need_programs({"curl": "curl", "git": "git", "mvn": "maven"})
    folder = Path(tempfile.mkdtemp(prefix="tillit-guide-"))
    folder.chmod(0o755)
    _check_out(folder / "tillit")
    ports = {f"TILLIT_PORT_{name.upper()}": str(number) for name, number in free_ports().items()}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TILLIT_", "VIRTUAL_ENV"))}
    environment |= {**ports, "TILLIT_DOWNLOADS": str(downloads_folder())}
    try:
        with Shell(folder, environment) as shell:
            yield from _at_step_5(Reader(folder, shell))
    finally:
        shutil.rmtree(folder)


def _at_step_5(reader: Reader) -> Generator[Reader]:
    """Files are written when their section is reached, commands typed in order; the stack goes in any case."""
    try:
        for section in ("", "1.", "2.", "3."):
            reader.follow(section)
        for path, text in files(told()).items():
            (reader.folder / path).write_text(text, encoding="utf-8")
        reader.follow("4.")
        reader.follow("5.")
        yield reader
    finally:
        reader.wipe()


def _check_out(target: Path) -> None:
    """This checkout as it is, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
