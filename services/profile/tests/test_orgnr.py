"""An organisation number is checked before anything is done with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_service.orgnr import Orgnr, check_digit
from pydantic import TypeAdapter, ValidationError

TAKEN: TypeAdapter[str] = TypeAdapter(Orgnr)
DIGITS = st.text("0123456789", min_size=8, max_size=8)


@given(DIGITS)
def test_of_ten_numbers_that_differ_in_the_last_digit_at_most_one_is_taken(first_eight: str) -> None:
    taken = [digit for digit in "0123456789" if is_taken(first_eight + digit)]
    expected = check_digit(first_eight)
    assert taken == ([] if expected is None else [str(expected)])


@given(DIGITS, st.integers(0, 7), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(first_eight: str, place: int, off_by: int) -> None:
    digit = check_digit(first_eight)
    if digit is None:
        return
    wrong = str((int(first_eight[place]) + off_by) % 10)
    assert not is_taken(f"{first_eight[:place]}{wrong}{first_eight[place + 1 :]}{digit}")


@given(st.text(max_size=12))
def test_what_is_not_nine_digits_is_refused(text: str) -> None:
    assert not is_taken(text) or (len(text) == 9 and text.isascii() and text.isdigit())


@pytest.mark.parametrize("orgnr", ["974760673", "923609016", "810305282"])
def test_numbers_of_real_organisations_are_taken(orgnr: str) -> None:
    assert is_taken(orgnr)


@pytest.mark.parametrize("text", ["974760674", "974 760 673", "974760673\n", "٩٧٤٧٦٠٦٧٣", ""])
def test_a_number_that_is_nearly_one_is_refused(text: str) -> None:
    assert not is_taken(text)


def is_taken(text: str) -> bool:
    try:
        return TAKEN.validate_python(text) == text
    except ValidationError:
        return False
