"""One calendar month, whatever the month."""

from datetime import UTC, datetime

import pytest
from retention_service.due_dates import one_month_after


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ((2026, 3, 15), (2026, 4, 15)),
        ((2026, 1, 31), (2026, 2, 28)),
        ((2028, 1, 31), (2028, 2, 29)),
        ((2026, 12, 31), (2027, 1, 31)),
        ((2026, 5, 31), (2026, 6, 30)),
    ],
)
def test_an_answer_is_due_on_the_same_day_of_the_next_month_or_its_last(
    asked: tuple[int, int, int], due: tuple[int, int, int]
) -> None:
    assert one_month_after(datetime(*asked, 9, 30, tzinfo=UTC)) == datetime(*due, 9, 30, tzinfo=UTC)
