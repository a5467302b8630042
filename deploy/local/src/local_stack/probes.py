"""Asks a process whether it is ready, in its own protocol."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import cast

import asyncpg

from local_stack.ports import HOST

Probe = Callable[[], Awaitable[bool]]

_TIMEOUT = 5


def http_ready(port: int, path: str = "/health/ready") -> Probe:
    """True when the path answers 2xx."""

    async def ask() -> bool:
        request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode()
        answer = await _exchange(port, request, 12)
        return answer.startswith(b"HTTP/1.") and answer[9:10] == b"2"

    return ask


def kafka_ready(port: int) -> Probe:
    """True when the broker answers an ApiVersions request, its protocol's greeting."""

    async def ask() -> bool:
        api_versions, version, correlation, no_client_id = 18, 0, 7, -1
        body = struct.pack(">hhih", api_versions, version, correlation, no_client_id)
        answer = await _exchange(port, struct.pack(">i", len(body)) + body, 10)
        return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (correlation, 0)

    return ask


def postgres_ready(dsn: str) -> Probe:
    """True when the superuser can log in: recovery is over and the passwords are the stored ones."""

    async def ask() -> bool:
        try:
            connection = await connect(dsn)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close(timeout=_TIMEOUT)
        return True

    return ask


async def connect(dsn: str) -> asyncpg.Connection:
    return cast("asyncpg.Connection", await asyncpg.connect(dsn, timeout=_TIMEOUT))


async def _exchange(port: int, request: bytes, wanted: int) -> bytes:
    """The first `wanted` bytes of the answer, or nothing when there is none in time."""
    try:
        async with asyncio.timeout(_TIMEOUT):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(request)
                await writer.drain()
                return await reader.readexactly(wanted)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return b""
