"""A wire between one process and one server, which the rig can cut, make a black hole of, or let run one way only.

TCP without a word of any protocol: what is held back arrives later, as on a network that comes back.
"""

import asyncio
import socket
import struct
from contextlib import suppress
from enum import StrEnum
from typing import Final, cast

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of 0 seconds: closing sends RST."""


class Flow(StrEnum):
    OPEN = "open"
    CUT = "cut"
    """Every connection is reset, and each new one at once."""
    BLACK_HOLE = "black hole"
    """Connections stay and new ones are accepted; nothing arrives, in either direction."""
    ONE_WAY = "one way"
    """What the process sends arrives; the answers do not."""


class Wire:
    """Listens on a port of its own, at which the process finds the server."""

    def __init__(self, name: str, server_port: int) -> None:
        self.name = name
        self.lock = asyncio.Lock()
        """Held by the fault that has this wire in its hands."""
        self.flow = Flow.OPEN
        self.carried = 0
        """Connections that it made."""
        self.pairs: set[_Client] = set()
        self._server_port = server_port
        self._opened = asyncio.Event()
        self._reaching: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def open(self, port: int) -> None:
        self._opened.set()
        self._listening = await asyncio.get_running_loop().create_server(lambda: _Client(self), "127.0.0.1", port)

    async def close(self) -> None:
        for task in self._reaching:
            task.cancel()
        self.reset()
        if self._listening is not None:
            self._listening.close()
            await self._listening.wait_closed()

    def set(self, flow: Flow) -> None:
        """From now on, for the connections that are there too."""
        self.flow = flow
        if flow is Flow.BLACK_HOLE:
            self._opened.clear()
        else:
            self._opened.set()
        if flow is Flow.CUT:
            self.reset()
        for pair in self.pairs:
            pair.apply()

    def reset(self) -> None:
        """RST to both ends of every connection."""
        for pair in list(self.pairs):
            pair.reset()

    def reach(self, client: "_Client") -> None:
        task = asyncio.create_task(self._reach(client))
        self._reaching.add(task)
        task.add_done_callback(self._reaching.discard)

    async def _reach(self, client: "_Client") -> None:
        await self._opened.wait()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _Upstream(client), "127.0.0.1", self._server_port
            )
        except OSError:
            client.reset()
        else:
            self.carried += 1
            client.apply()


class _End(asyncio.Protocol):
    """One end of a connection; `other` is the one that gets what arrives here."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.congested = False
        """Whether this end takes nothing more for now."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def read(self, wanted: bool) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def reset(self) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        opened = cast("socket.socket | None", self.transport.get_extra_info("socket"))
        if opened is not None:
            with suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def close(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


class _Client(_End):
    """The process's end. Knows the server's, once it is reached."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self.upstream: _Upstream | None = None
        self._wire = wire
        self._early: list[bytes] = []
        """What came before the server was reached: an event loop may read once more than it was asked to."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._wire.pairs.add(self)
        self.read(False)
        if self._wire.flow is Flow.CUT:
            self.reset()
        else:
            self._wire.reach(self)

    def data_received(self, data: bytes) -> None:
        if self.upstream is None:
            self._early.append(data)
        else:
            self.upstream.write(data)

    def reached(self, upstream: "_Upstream") -> None:
        """From now on it is carried."""
        self.upstream = upstream
        for data in self._early:
            upstream.write(data)
        self._early.clear()

    def apply(self) -> None:
        """Read from each end what the wire lets through and the other end takes."""
        if self.upstream is None:
            return
        flow = self._wire.flow
        self.read(flow in (Flow.OPEN, Flow.ONE_WAY) and not self.upstream.congested)
        self.upstream.read(flow is Flow.OPEN and not self.congested)

    def reset(self) -> None:
        self._wire.pairs.discard(self)
        super().reset()
        if self.upstream is not None:
            self.upstream.reset()

    def pause_writing(self) -> None:
        self.congested = True
        self.apply()

    def resume_writing(self) -> None:
        self.congested = False
        self.apply()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wire.pairs.discard(self)
        if self.upstream is not None:
            self.upstream.close()


class _Upstream(_End):
    """The server's end."""

    def __init__(self, client: _Client) -> None:
        super().__init__()
        self._client = client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._client.reached(self)
        if self._client.transport is None or self._client.transport.is_closing():
            self.close()

    def data_received(self, data: bytes) -> None:
        self._client.write(data)

    def pause_writing(self) -> None:
        self.congested = True
        self._client.apply()

    def resume_writing(self) -> None:
        self.congested = False
        self._client.apply()

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.close()
