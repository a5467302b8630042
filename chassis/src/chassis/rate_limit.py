"""Knows how often one client may knock, in bounded memory and without keeping who they are."""

import hmac
import ipaddress
import math
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, cast

from fastapi import Request
from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from chassis.clock import Clock
from chassis.metrics import Metrics
from chassis.problems import Problem

_CAPACITY: Final = 100_000


class BoundedWindows(Storage):
    """Counts hits per key on the injected clock. When it is full the window that began first is forgotten."""

    STORAGE_SCHEME = None

    def __init__(self, clock: Clock, capacity: int = _CAPACITY) -> None:
        super().__init__()
        self._clock = clock
        self._capacity = capacity
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = self._clock.now().timestamp()
        count, ends = self._windows.get(key, (0, 0.0))
        if ends <= now:
            self._windows.pop(key, None)
            self._make_room(now)
            count, ends = 0, now + expiry
        self._windows[key] = (count + amount, ends)
        return count + amount

    def get(self, key: str) -> int:
        count, ends = self._windows.get(key, (0, 0.0))
        return count if ends > self._clock.now().timestamp() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (0, self._clock.now().timestamp()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        self._windows.clear()
        return None

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _make_room(self, now: float) -> None:
        while self._windows:
            key, (_, ends) = next(iter(self._windows.items()))
            if ends > now and len(self._windows) < self._capacity:
                return
            del self._windows[key]


class RateLimiter:
    """Refuses what comes too often. Keys are keyed hashes under a secret of this process: who knocked is not kept."""

    def __init__(self, clock: Clock, metrics: Metrics, capacity: int = _CAPACITY) -> None:
        self._clock = clock
        self._metrics = metrics
        self._secret = secrets.token_bytes(32)
        self._windows = BoundedWindows(clock, capacity)
        self._strategy = FixedWindowRateLimiter(self._windows)
        metrics.cache_entries.labels("rate limits").set_function(lambda: len(self._windows))

    def hit(self, name: str, rate: RateLimitItem, *who: str) -> None:
        """Counts one request of this client against the named limit, or raises the 429 problem."""
        key = hmac.digest(self._secret, "\x00".join((name, *who)).encode("utf-8", "replace"), "sha256").hex()
        if self._strategy.hit(rate, key):
            return
        self._metrics.rate_limited.labels(name).inc()
        ends = self._strategy.get_window_stats(rate, key).reset_time
        wait = max(1, math.ceil(ends - self._clock.now().timestamp()))
        detail = f"Wait {wait} seconds before the next request."
        raise Problem(429, "too-many-requests", "Too many requests", detail, headers={"Retry-After": str(wait)})


class Limit:
    """One named limit, such as `Limit("login", "10/minute")`. As a dependency it counts per client address."""

    def __init__(self, name: str, rate: str) -> None:
        self.name: Final = name
        self.rate: Final = parse(rate)

    async def __call__(self, request: Request) -> None:
        self.hit(request)

    def hit(self, request: Request, *extra: str) -> None:
        """Counts per client address and the extra that the route chose, which is hashed and never kept."""
        limiter = cast("RateLimiter", request.app.state.rate_limiter)
        limiter.hit(self.name, self.rate, client_network(request), *extra)

    def hit_everywhere(self, request: Request, extra: str) -> None:
        """Counts the extra alone, from whatever address: many clients guessing at one account."""
        limiter = cast("RateLimiter", request.app.state.rate_limiter)
        limiter.hit(self.name, self.rate, "everywhere", extra)


def limited(name: str, rate: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that limits how often one client address may call."""
    return Limit(name, rate)


def client_network(request: Request) -> str:
    """The client's address; for IPv6 its /64, because one customer has all of it."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
