"""Knows what time it is: the one place where the machine's clock is read, so that years of retention run in minutes."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Protocol

import uuid_utils

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class MovedClock:
    """A clock that stands still until it is moved; it can be set back, as a restored machine's can."""

    def __init__(self, start: datetime) -> None:
        self._now = _in_utc(start)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        self._now += by
        return self._now

    def set(self, to: datetime) -> None:
        self._now = _in_utc(to)


def new_id(clock: Clock) -> uuid.UUID:
    """A UUIDv7 of this moment on the injected clock: ids sort by the clock's time, with random bits below."""
    return uuid.UUID(int=uuid_utils.uuid7(nanoseconds=(clock.now() - _EPOCH) // _MICROSECOND * 1000).int)


def monotonic() -> float:
    """Seconds that only grow, for durations and bounds; never a time of day, and not moved with a `Clock`."""
    return time.monotonic()


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a clock needs an aware time: pass tzinfo")
    return moment.astimezone(UTC)
