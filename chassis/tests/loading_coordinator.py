"""A broker that has just begun, as its clients see it: it serves, and does not yet know what groups have committed."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from chassis.testing.containers import Door

_OFFSET_FETCH: Final = 9
_LOADING: Final = struct.pack(">iih", 0, 0, 14)
"""Version 3: no throttling, no topic, COORDINATOR_LOAD_IN_PROGRESS."""


class LoadingCoordinator:
    """Stands at a broker's door and lets everything pass; while `loading` it answers for committed offsets itself."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.loading = False

    @asynccontextmanager
    async def standing(self) -> AsyncGenerator["LoadingCoordinator"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self._door.advertised)
        async with server:
            yield self

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        broker, to_broker = await asyncio.open_connection("127.0.0.1", self._door.port)
        answers = asyncio.create_task(_pass_on(broker, to_client))
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    (length,) = struct.unpack(">i", await client.readexactly(4))
                    request = await client.readexactly(length)
                    kind, version, number = struct.unpack(">hhi", request[:8])
                    if kind == _OFFSET_FETCH and self.loading:
                        assert version == 3
                        answer = struct.pack(">i", number) + _LOADING
                        to_client.write(struct.pack(">i", len(answer)) + answer)
                    else:
                        to_broker.write(struct.pack(">i", length) + request)
        finally:
            to_broker.close()
            to_client.close()
            answers.cancel()


async def _pass_on(broker: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await broker.read(65_536):
            to_client.write(data)
