"""Wakes what sleeps: in this process by an event, in the service's other processes by NOTIFY.

A NOTIFY is sent after the commit, outside of it, and coalesced: inside, it would serialise all commits. One that is
lost costs a poll interval, never a row.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from chassis.errors import TRANSIENT
from chassis.logs import get_logger
from chassis.sql import NOTHING_TO_LOSE, connect

_GAP_SECONDS: Final = 0.002
_RECONNECT_SECONDS: Final = 1.0
_log = get_logger()


class Wakeups:
    """Events by channel. `run` listens on a connection of its own until cancelled."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._events: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        self._payload_listeners: dict[str, Callable[[str], None]] = {}
        self._pending: set[str] = set()
        self._pending_set = asyncio.Event()
        self._own_pid: int | None = None
        """Of the connection that notifies: what it says was heard here before it was said."""

    def event(self, channel: str) -> asyncio.Event:
        """A new event, set whenever the channel is woken; its owner clears it."""
        event = asyncio.Event()
        self._events[channel].append(event)
        return event

    def on_payload(self, channel: str, listener: Callable[[str], None]) -> None:
        """Call `listener` with each payload notified on the channel, by any process of the service."""
        self._payload_listeners[channel] = listener

    def wake(self, channels: Iterable[str]) -> None:
        """Wake this process now, and the others soon."""
        for channel in channels:
            self._set(channel)
            self._pending.add(channel)
        self._pending_set.set()

    async def run(self) -> None:
        """Listen and notify until cancelled; a lost connection is made again, and then everything is woken once."""
        while True:
            try:
                await self._run_once()
            except TRANSIENT as error:
                _log.warning("wakeups.lost", error=type(error).__name__)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _run_once(self) -> None:
        connection = await connect(self._dsn, settings=NOTHING_TO_LOSE)
        self._own_pid = connection.get_server_pid()
        try:
            for channel in {*self._events, *self._payload_listeners}:
                await connection.add_listener(channel, self._heard)
            for channel in self._events:
                self._set(channel)
            lost = asyncio.Event()

            def on_lost(_: object) -> None:
                lost.set()
                self._pending_set.set()

            connection.add_termination_listener(on_lost)
            while not lost.is_set():
                await self._pending_set.wait()
                self._pending_set.clear()
                channels, self._pending = self._pending, set()
                if channels:
                    await connection.execute(
                        "SELECT pg_notify(channel, '') FROM unnest($1::text[]) AS channel", channels
                    )
                await asyncio.sleep(_GAP_SECONDS)
        finally:
            with suppress(*TRANSIENT):
                await connection.close(timeout=1)

    def _heard(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        if pid == self._own_pid:
            return
        if payload and channel in self._payload_listeners:
            self._payload_listeners[channel](str(payload))
        self._set(channel)

    def _set(self, channel: str) -> None:
        for event in self._events[channel]:
            event.set()
