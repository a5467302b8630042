"""Reads the logs of a stack: the last lines of each process, and then what comes."""

import time
from collections.abc import Iterator
from pathlib import Path

from local_stack.failure import StackError
from local_stack.tied_process import last_lines


def log_names(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.log"))


def read_logs(folder: Path, name: str | None, lines: int, *, follow: bool) -> Iterator[tuple[str, str]]:
    """Pairs of process and line, first the last lines of each log, then (following) each new line for ever."""
    names = log_names(folder)
    if name is not None:
        if name not in names:
            raise StackError(f"there is no log of {name!r} in {folder}; there are: {', '.join(names) or 'none yet'}")
        names = [name]
    elif not names and not follow:
        raise StackError(f"there are no logs in {folder}: `tillit up` starts a stack")
    positions: dict[str, int] = {}
    for each in names:
        log = folder / f"{each}.log"
        positions[each] = log.stat().st_size
        for line in last_lines(log, lines):
            yield each, line
    while follow:
        for each in names if name is not None else log_names(folder):
            new, positions[each] = _since(folder / f"{each}.log", positions.get(each, 0))
            for line in new:
                yield each, line
        time.sleep(0.2)


def _since(log: Path, position: int) -> tuple[list[str], int]:
    """The whole lines written since, and where to go on; a log that got shorter was begun anew."""
    size = log.stat().st_size if log.exists() else 0
    if size < position:
        position = 0
    if size == position:
        return [], position
    with log.open("rb") as file:
        file.seek(position)
        whole, newline, _ = file.read(size - position).rpartition(b"\n")
    return whole.decode(errors="replace").splitlines(), position + len(whole) + len(newline)
