"""`tillit demo`: the main job on the sample set, told in the terminal, and the proof at its end."""

import asyncio
import signal
import sys
from typing import Annotated

import typer
from chassis.clock import monotonic
from local_stack.stack import Stack, StackInfo, StackOptions
from rich.console import Console

from tillit_cli.demo_story import DemoFailed, DemoStory
from tillit_cli.erasure_watch import NotErased
from tillit_cli.settled import NotSettled
from tillit_cli.stack import PortChoices, State, chosen_ports, print_places, start

__all__ = ["DemoFailed", "demo"]

console = Console(width=None if sys.stdout.isatty() else 120)


def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Stay up afterwards, until Ctrl-C.")] = False,
    state: State = None,
    port: PortChoices = None,
) -> None:
    """Start everything, register people, publish positions, tell whom they reach, erase a person, and prove it.

    The stack is started unless it runs already; one that was started here is stopped at the end. The exit code is 0
    only when everything happened as promised and the proof, with its controls, holds.
    """
    _end_on_hangup()
    stack = Stack(state)
    began = monotonic()
    info = start(stack, StackOptions(ports=chosen_ports(port or [])))
    console.print(f"Everything is up after {monotonic() - began:.1f} s." if info.started_here else "The stack is up.")
    try:
        _tell(info)
        console.print(f"\n[bold green]The demo is done[/], all as promised, in {monotonic() - began:.0f} s.")
        if stay:
            _stay(info)
    finally:
        if info.started_here:
            console.print("Stopping what was started here ...")
            stack.down()


def _end_on_hangup() -> None:
    """A closed terminal or SIGTERM ends it as Ctrl-C does: what was started here is stopped. `nohup` is respected."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _tell(info: StackInfo) -> None:
    try:
        asyncio.run(DemoStory(info, console).tell())
    except (NotErased, NotSettled) as error:
        raise DemoFailed(f"the demo failed: {error}; logs are in {info.logs}") from error


def _stay(info: StackInfo) -> None:
    print_places(info)
    console.print("It stays up; Ctrl-C stops it." if info.started_here else "It stays up: `tillit down` stops it.")
    if info.started_here:
        _wait_for_interrupt()


def _wait_for_interrupt() -> None:
    """Until Ctrl-C or SIGTERM; both end it in the same way."""
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        signal.sigwait(numbers)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    console.print()
