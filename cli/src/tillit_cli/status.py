"""`tillit status`: every process of the stack and what waits, lags or is amiss in each service."""

import asyncio
import json
import sys
import time
from typing import Annotated, Final

import typer
from local_stack.memory import resident_bytes
from local_stack.stack import Stack
from local_stack.status import Phase, ProcessState, Status
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tillit_cli.service_status import Seen, as_json, ask, shown
from tillit_cli.stack import State

_WATCH_SECONDS: Final = 2.0
_WIDE: Final = 180

console = Console(width=None if sys.stdout.isatty() else _WIDE)


def status(
    state: State = None,
    as_lines: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until Ctrl-C.")] = False,
) -> None:
    """Show every process (state, uptime, memory, restarts) and how each service is.

    Of each service: events to send and the age of the oldest, those that the broker refuses, when the last one was
    sent, records not taken in yet, parked records, work, when the broker and the keyring last answered, keys in
    memory; and the erasures under way, by stage.

    Exit code 1 unless all are ready.
    """
    stack = Stack(state)
    if watch:
        _watch(stack)
        return
    now = stack.status()
    if now is None:
        print("{}" if as_lines else "No stack is running: `tillit up` starts one.")
        raise typer.Exit(1)
    seen = asyncio.run(ask(stack.info())) if _has_services(now) else None
    if as_lines:
        print(json.dumps(_document(now, seen), indent=2))
    else:
        console.print(_picture(now, seen))
    started = [process for process in now.processes if process.state is not ProcessState.WAITING]
    if now.phase is not Phase.RUNNING or any(process.state is not ProcessState.READY for process in started):
        raise typer.Exit(1)


def _watch(stack: Stack) -> None:
    try:
        with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while True:
                now = stack.status()
                if now is None:
                    live.update(Text("No stack is running: `tillit up` starts one."), refresh=True)
                else:
                    seen = asyncio.run(ask(stack.info())) if _has_services(now) else None
                    live.update(_picture(now, seen), refresh=True)
                time.sleep(_WATCH_SECONDS)
    except KeyboardInterrupt:
        sys.exit(130)


def _has_services(now: Status) -> bool:
    return any(process.name == "retention" and process.state is not ProcessState.WAITING for process in now.processes)


def _picture(now: Status, seen: Seen | None) -> RenderableType:
    table = Table("process", "state", "pid", "up", "memory", "restarts", "url", box=None, header_style="bold")
    for process in now.processes:
        up_for = "" if process.started is None else _duration(time.monotonic() - process.started)
        memory = "" if process.pid is None else f"{resident_bytes(process.pid) / 1e6:.0f} MB"
        state_text = Text(process.state, style="green" if process.state is ProcessState.READY else "yellow")
        pid = "" if process.pid is None else str(process.pid)
        table.add_row(process.name, state_text, pid, up_for, memory, str(process.restarts), process.url)
    supervisor = f"supervisor {now.supervisor}, {resident_bytes(now.supervisor, alone=True) / 1e6:.0f} MB"
    return Group(f"{now.phase} ({supervisor})", table, *(() if seen is None else ("", shown(seen))))


def _document(now: Status, seen: Seen | None) -> dict[str, object]:
    processes = [
        {"name": one.name, "state": str(one.state), "pid": one.pid, "restarts": one.restarts, "url": one.url}
        for one in now.processes
    ]
    told = {} if seen is None else as_json(seen)
    return {"phase": str(now.phase), "supervisor": now.supervisor, "processes": processes, **told}


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s"
