"""Words are kept in one form, and what steers a terminal or a mail is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_service.text_fields import Line, Phone
from pydantic import TypeAdapter, ValidationError

LINES: TypeAdapter[str] = TypeAdapter(Line)
PHONES: TypeAdapter[str] = TypeAdapter(Phone)


@given(st.text(max_size=60))
def test_a_line_is_one_line_with_single_spaces_and_taking_it_again_changes_nothing(text: str) -> None:
    try:
        line = LINES.validate_python(text)
    except ValidationError:
        return
    assert line == " ".join(line.split()) != ""
    assert LINES.validate_python(line) == line


@pytest.mark.parametrize("text", ["a\x00b", "a\x1b[2Jb", "a\x07", "\x85x\x7f"])
def test_a_control_character_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        LINES.validate_python(text)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("912 34 567", "+4791234567"),
        ("+47 912 34 567", "+4791234567"),
        ("0047 912 34 567", "+4791234567"),
        ("+46 (8) 123-45.67", "+4681234567"),
    ],
)
def test_a_phone_number_is_kept_in_its_international_form(told: str, kept: str) -> None:
    assert PHONES.validate_python(told) == kept


@pytest.mark.parametrize("text", ["ring meg", "9123", "+47;rm -rf", "1" * 20, "٩١٢٣٤٥٦٧"])
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        PHONES.validate_python(text)
