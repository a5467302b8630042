"""A whole system that one test has for itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from local_stack.stack import Stack, StackOptions
from tillit_cli.operator_calls import operating
from tillit_cli.portal import portal_at

from .conftest import free_ports
from .system import System


@asynccontextmanager
async def own_system(state: Path) -> AsyncGenerator[System]:
    """Up in this folder, with nobody in it; gone afterwards."""
    stack = Stack(state)
    try:
        info = await asyncio.to_thread(stack.up, StackOptions(ports=free_ports()))
        async with operating(info) as operator, portal_at(info.services["profile"]) as portal:
            yield System(info, operator, portal)
    finally:
        await asyncio.to_thread(stack.down, wipe=True)


def open_to_others(folder: Path) -> Path:
    """Where this folder's state is; PostgreSQL, which runs as a user of its own, may come in."""
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    return folder / "state"
