"""One whole system for every promise: the four services on real Kafka and PostgreSQL, started as `tillit up` does.

It ends with the folder's last test: a stack that nobody asks any more would still take from the others' time.
"""

import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from local_stack.ports import HOST, port_names
from local_stack.stack import Stack, StackInfo, StackOptions
from tillit_cli.operator_calls import Operator, operating
from tillit_cli.portal import Portal, portal_at

from tests.integration.trace_receiver import TraceReceiver, receiving_traces

from .system import System

FIRST_PORT = 21_000
LAST_PORT = 32_000
"""Below the ports that the kernel gives to clients, of which one could be taken between the test and the start."""


@pytest.fixture(scope="package")
def traces() -> Iterator[TraceReceiver]:
    """Keeps every trace of the stack, in the stack's folder; both are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tillit-promises-"))
    folder.chmod(0o755)
    state = folder / "state"
    state.mkdir()
    try:
        with receiving_traces(state / "traces") as receiver:
            yield receiver
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="package")
def stack(traces: TraceReceiver) -> Iterator[StackInfo]:
    """Up, with a folder and ports of its own, and every trace exported; gone afterwards."""
    running = Stack(traces.file.parent)
    traced = {"TILLIT_OTLP_ENDPOINT": traces.url, "TILLIT_TRACE_RATIO": "1"}
    try:
        yield running.up(StackOptions(ports=free_ports(), environment=traced))
    finally:
        running.down(wipe=True)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def operator(stack: StackInfo) -> AsyncGenerator[Operator]:
    async with operating(stack) as operator:
        yield operator


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def portal(stack: StackInfo) -> AsyncGenerator[Portal]:
    async with portal_at(stack.services["profile"]) as portal:
        yield portal


@pytest.fixture(scope="package")
def system(stack: StackInfo, operator: Operator, portal: Portal) -> System:
    return System(stack, operator, portal)


def free_ports() -> dict[str, int]:
    """Looked for from a random place on: two stacks that start at the same time must not find the same."""
    found: list[int] = []
    first = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT)
    for number in (*range(first, LAST_PORT), *range(FIRST_PORT, first)):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, number))
            except OSError:
                continue
        found.append(number)
        if len(found) == len(port_names()):
            return dict(zip(port_names(), found, strict=True))
    raise OSError(f"no {len(port_names())} ports are free between {FIRST_PORT} and {LAST_PORT}")
