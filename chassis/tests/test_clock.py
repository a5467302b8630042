"""Every moment a service sees comes from one clock, and ids follow it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from chassis.clock import MovedClock, SystemClock, monotonic, new_id


def test_the_machines_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_moved_clock_stands_still_until_it_is_moved() -> None:
    clock = MovedClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now()
    assert clock.advance(timedelta(days=730)) == datetime(2028, 1, 1, tzinfo=UTC)
    clock.set(datetime(2025, 6, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == datetime(2025, 6, 1, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        MovedClock(datetime(2026, 1, 1))  # noqa: DTZ001


def test_ids_are_version_7_and_carry_the_injected_time() -> None:
    moment = datetime(2031, 5, 17, 12, 30, 1, 250_000, tzinfo=UTC)
    made = new_id(MovedClock(moment))
    assert made.version == 7
    assert made.int >> 80 == int(moment.timestamp() * 1000)


def test_ids_sort_by_the_clock_even_when_it_was_set_back() -> None:
    clock = MovedClock(datetime(2030, 1, 1, tzinfo=UTC))
    later = new_id(clock)
    clock.set(datetime(2020, 1, 1, tzinfo=UTC))
    assert new_id(clock) < later


def test_ids_of_one_moment_differ() -> None:
    clock = MovedClock(datetime(2030, 1, 1, tzinfo=UTC))
    assert len({new_id(clock) for _ in range(10_000)}) == 10_000


def test_durations_only_ever_grow() -> None:
    assert monotonic() <= monotonic()
