"""What table modules ask of a connection: asyncpg's own, or one lent by its pool (two classes, neither fully typed)."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, cast

import asyncpg
from asyncpg.transaction import Transaction

NOTHING_TO_LOSE: Final = {"synchronous_commit": "off"}
"""Settings of a connection whose changes are made again when a crash of the server loses the last of them: it does not wait
for the disk. What others committed before is on disk as ever."""
BORROW_SECONDS: Final = 10.0
"""How long one waits for a connection: longer than any statement of who has it may take."""


class Connection(Protocol):
    """An asyncpg connection inside the caller's transaction."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str: ...

    async def executemany(
        self, command: str, args: Iterable[Sequence[object]], *, timeout: float | None = None
    ) -> None: ...

    async def fetch(self, query: str, *args: object, timeout: float | None = None) -> list[asyncpg.Record]: ...

    async def fetchrow(self, query: str, *args: object, timeout: float | None = None) -> asyncpg.Record | None: ...

    async def fetchval(self, query: str, *args: object, column: int = 0, timeout: float | None = None) -> Any: ...

    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[tuple[object, ...]], columns: Sequence[str]
    ) -> str: ...

    def transaction(self) -> Transaction: ...


class OwnConnection(Connection, Protocol):
    """A connection outside the pool: it listens, or holds an advisory lock, for as long as it lives."""

    async def add_listener(self, channel: str, callback: Callable[[Any, int, str, object], None]) -> None: ...

    def add_termination_listener(self, callback: Callable[[Any], None]) -> None: ...

    def get_server_pid(self) -> int: ...

    def is_closed(self) -> bool: ...

    async def close(self, *, timeout: float | None = None) -> None: ...

    def terminate(self) -> None: ...


async def connect(dsn: str, *, settings: dict[str, str] | None = None) -> OwnConnection:
    """A connection of one's own, which the caller closes.

    Raises:
        OSError, asyncpg.PostgresError: the database can't be reached, or refuses.
    """
    opened = await asyncpg.connect(dsn, timeout=5, command_timeout=10, server_settings=settings or {})  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return cast("OwnConnection", opened)


@asynccontextmanager
async def borrow(pool: asyncpg.Pool) -> AsyncGenerator[Connection]:
    """A connection lent by the pool, for reading outside a transaction, or to open one.

    Raises:
        TimeoutError: none became free within `BORROW_SECONDS`.
    """
    async with pool.acquire(timeout=BORROW_SECONDS) as lent:  # pyright: ignore[reportUnknownVariableType]
        yield cast("Connection", lent)
