"""`tillit up`, `down` and `logs`: the local stack in the terminal."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from local_stack.failure import StackError
from local_stack.logs import read_logs
from local_stack.stack import Stack, StackInfo, StackOptions
from local_stack.status import Phase, Status
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

console = Console(width=None if sys.stdout.isatty() else 120)

State = Annotated[Path | None, typer.Option("--state", help="The stack's folder; else TILLIT_STATE, else .tillit.")]
PortChoices = Annotated[
    list[str] | None,
    typer.Option("--port", metavar="NAME=NUMBER", help="A port, as kafka=29192; else TILLIT_PORT_<NAME>. Repeatable."),
]


def register(app: typer.Typer) -> None:
    for command in (up, down, logs):
        app.command()(command)


def up(
    state: State = None,
    port: PortChoices = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Hold it in this terminal until Ctrl-C.")] = False,
    bare: Annotated[
        bool, typer.Option("--bare", help="Kafka, PostgreSQL and mail only, without the services.")
    ] = False,
) -> None:
    """Start the stack and wait until everything is ready."""
    stack = Stack(state)
    options = StackOptions(ports=chosen_ports(port or []), services=not bare)
    if foreground:
        _hold(stack, options)
        return
    running = stack.supervisor()
    began = time.monotonic()
    info = start(stack, options)
    if running is not None or not info.started_here:
        console.print(f"The stack in {info.state} runs already (supervisor {stack.supervisor()}): nothing to do.")
    else:
        console.print(f"Everything is ready after {time.monotonic() - began:.1f} s.")
    print_places(info, bare=bare)


def down(
    state: State = None,
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete its data, keys, logs and mails too.")] = False,
) -> None:
    """Stop the stack: services, then mail, Kafka and PostgreSQL."""
    began = time.monotonic()
    ended = Stack(state).down(wipe=wipe)
    console.print(f"Stopped in {time.monotonic() - began:.1f} s." if ended else "No stack is running.")
    if wipe:
        console.print("Its data, keys, logs and mails are deleted; downloads are kept.")


def logs(
    name: Annotated[str | None, typer.Argument(help="One process; all of them without it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("-n", min=0, help="How many of the last lines of each.")] = 20,
    state: State = None,
) -> None:
    """Show the logs of the stack's processes."""
    try:
        for process, line in read_logs(Stack(state).logs, name, lines, follow=follow):
            print(line if name is not None else f"{process:<14} {line}", flush=follow)
    except KeyboardInterrupt:
        sys.exit(130)


def start(stack: Stack, options: StackOptions) -> StackInfo:
    """Start it with its progress live in the terminal, or as plain lines where there is none."""
    with show_progress() as progress:
        return stack.up(options, progress)


class Progress:
    """Shows a start: each step with its seconds, and what the running ones are doing."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._told: set[str] = set()
        self.ended = False

    def end(self, status: Status) -> None:
        """Draw it a last time; what comes after is printed below."""
        if not self.ended:
            self(status)
            self.ended = True
        if self._live is not None:
            self._live.stop()

    def __call__(self, status: Status) -> None:
        if self._live is not None:
            self._live.update(_steps(status))
            return
        for step in list(status.steps):
            if step.seconds is not None and step.name not in self._told:
                self._told.add(step.name)
                console.print(f"{step.name} ({step.seconds:.1f} s)")


@contextmanager
def show_progress() -> Generator[Progress]:
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            yield Progress(live)
    else:
        yield Progress(None)


def _steps(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    now = time.monotonic()
    for step in status.steps:
        done = step.seconds is not None
        seconds = step.seconds if step.seconds is not None else now - (step.began or now)
        mark = Text("done" if done else "...", style="green" if done else "yellow")
        table.add_row(mark, step.name, f"{seconds:5.1f} s", Text(step.detail, style="dim"))
    return table


def print_places(info: StackInfo, *, bare: bool = False) -> None:
    table = Table.grid(padding=(0, 2))
    for name, url in () if bare else info.services.items():
        table.add_row(name, url)
    table.add_row("caught mail", f"{info.mail_url}/  (JSON: {info.mail_url}/api/mails)")
    table.add_row("Kafka", info.kafka_bootstrap)
    table.add_row("logs", f"{info.logs}  (tillit logs -f)")
    console.print(table)


def chosen_ports(choices: list[str]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for choice in choices:
        name, _, number = choice.partition("=")
        if not number.isdecimal():
            raise StackError(f"--port {choice!r} must be NAME=NUMBER, as kafka=29192")
        ports[name.replace("-", "_")] = int(number)
    return ports


def _hold(stack: Stack, options: StackOptions) -> None:
    """Be the supervisor in this terminal; the progress ends where everything is ready."""
    with show_progress() as progress:

        def changed(status: Status) -> None:
            if status.phase is Phase.STARTING:
                progress(status)
            elif status.phase is Phase.RUNNING and not progress.ended:
                progress.end(status)
                print_places(stack.info(), bare=not options.services)
                console.print("Everything is ready; Ctrl-C stops it.")
            elif status.phase is Phase.STOPPING:
                progress.end(status)

        held = stack.hold(options, changed)
    console.print("The stack has ended." if held else "The stack runs already: nothing to do.")
