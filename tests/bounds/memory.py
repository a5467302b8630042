"""How much memory this process takes at most while something goes on."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import psutil

_MIB: Final = 2**20


@dataclass
class Memory:
    """Resident memory in MiB, at the beginning and at most."""

    before: float
    most: float

    @property
    def growth(self) -> float:
        return self.most - self.before


@asynccontextmanager
async def watched_memory() -> AsyncGenerator[Memory]:
    """Look four times a second until the block ends."""
    process = psutil.Process()
    memory = Memory(process.memory_info().rss / _MIB, 0.0)

    async def watch() -> None:
        while True:
            memory.most = max(memory.most, process.memory_info().rss / _MIB)
            await asyncio.sleep(0.25)

    watching = asyncio.create_task(watch())
    try:
        yield memory
    finally:
        watching.cancel()


def tell(text: str) -> None:
    """Progress of a test that takes minutes."""
    sys.stderr.write(f"\nbounds: {text}")
    sys.stderr.flush()
