"""One whole system for the drills, which stop its services and put older databases in their place."""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from local_stack.stack import Stack, StackOptions
from tillit_cli.operator_calls import Operator, operating
from tillit_cli.portal import Portal, portal_at

from tests.promises.conftest import free_ports
from tests.promises.system import System


@pytest.fixture(scope="package", name="running")
def running_stack() -> Iterator[Stack]:
    """Up, with a folder and ports of its own; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tillit-drills-"))
    folder.chmod(0o755)
    stack = Stack(folder / "state")
    try:
        stack.up(StackOptions(ports=free_ports()))
        yield stack
    finally:
        stack.down(wipe=True)
        shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def operator(running: Stack) -> AsyncGenerator[Operator]:
    async with operating(running.info()) as operator:
        yield operator


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def portal(running: Stack) -> AsyncGenerator[Portal]:
    async with portal_at(running.info().services["profile"]) as portal:
        yield portal


@pytest.fixture(scope="package")
def system(running: Stack, operator: Operator, portal: Portal) -> System:
    return System(running.info(), operator, portal)
