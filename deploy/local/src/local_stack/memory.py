"""How much memory a process and its children take."""

import psutil


def resident_bytes(pid: int, *, alone: bool = False) -> int:
    """Of the process and (unless alone) its children; pages that several of them share count once; 0 when gone."""
    try:
        process = psutil.Process(pid)
        children = [] if alone else process.children(recursive=True)
        if not children:
            return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0
    return sum(_proportional(each) for each in (process, *children))


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
