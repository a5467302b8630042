"""Nobody younger than 13 has a profile, by the calendar where they live."""

from datetime import UTC, date, datetime

import pytest
from profile_service.age import can_be_alive, old_enough


@pytest.mark.parametrize(
    ("now", "enough"),
    [
        (datetime(2026, 3, 1, 22, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 1, 23, 0, tzinfo=UTC), True),  # midnight in Oslo
    ],
)
def test_a_person_is_old_enough_from_the_first_minute_of_their_birthday_in_oslo(now: datetime, enough: bool) -> None:
    assert old_enough(date(2013, 3, 2), now) is enough


def test_who_is_born_on_a_leap_day_is_old_enough_on_the_first_of_march() -> None:
    assert not old_enough(date(2012, 2, 29), datetime(2025, 2, 28, 12, tzinfo=UTC))
    assert old_enough(date(2012, 2, 29), datetime(2025, 3, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize("born", [date(2026, 3, 3), date(1899, 1, 1), date.min, date.max])
def test_a_date_of_nobodys_birth_is_known(born: date) -> None:
    assert not can_be_alive(born, datetime(2026, 3, 2, tzinfo=UTC))
