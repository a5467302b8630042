"""Who knocks too often waits; memory stays bounded, and who knocked is not kept."""

from datetime import UTC, datetime, timedelta

import pytest
from chassis.clock import MovedClock
from chassis.metrics import Metrics
from chassis.problems import Problem
from chassis.rate_limit import BoundedWindows, RateLimiter, client_network
from fastapi import Request
from limits import parse

RATE = parse("3/minute")


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(datetime(2026, 3, 1, tzinfo=UTC))


def test_the_request_after_the_last_allowed_waits_for_the_window_to_end(clock: MovedClock) -> None:
    metrics = Metrics()
    limiter = RateLimiter(clock, metrics)
    for _ in range(3):
        limiter.hit("login", RATE, "192.0.2.1")
    clock.advance(timedelta(seconds=20))
    with pytest.raises(Problem) as caught:
        limiter.hit("login", RATE, "192.0.2.1")
    assert (caught.value.status, caught.value.headers) == (429, {"Retry-After": "40"})
    assert b'tillit_rate_limited_total{limit="login"} 1.0' in metrics.exposition()
    clock.advance(timedelta(seconds=40))
    limiter.hit("login", RATE, "192.0.2.1")


def test_limits_clients_and_extras_are_counted_apart(clock: MovedClock) -> None:
    limiter = RateLimiter(clock, Metrics())
    for who in (("a",), ("b",), ("a", "x"), ("a", "y"), ("a\x00x",)):
        for _ in range(3):
            limiter.hit("login", RATE, *who) if who != ("a\x00x",) else None
    for _ in range(3):
        limiter.hit("register", RATE, "a")


def test_a_sprayed_limiter_stays_bounded_and_forgets_the_oldest_window_first(clock: MovedClock) -> None:
    windows = BoundedWindows(clock, capacity=100)
    for index in range(10_000):
        windows.incr(f"k{index}", 60)
    assert len(windows) == 100
    assert windows.get("k9999") == 1
    assert windows.get("k0") == 0


def test_ended_windows_give_their_room_back(clock: MovedClock) -> None:
    windows = BoundedWindows(clock, capacity=100)
    for index in range(50):
        windows.incr(f"k{index}", 60)
    clock.advance(timedelta(seconds=61))
    windows.incr("new", 60)
    assert len(windows) == 1


def test_an_address_is_not_kept(clock: MovedClock) -> None:
    limiter = RateLimiter(clock, Metrics())
    limiter.hit("login", RATE, "192.0.2.77", "kari@example.no")
    kept = repr(vars(limiter._windows))  # pyright: ignore[reportPrivateUsage]
    assert "192.0.2.77" not in kept
    assert "kari" not in kept


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("not an address", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network(host: str | None, network: str) -> None:
    client = None if host is None else (host, 1)
    assert client_network(Request({"type": "http", "client": client})) == network
