"""Two spellings of the same occupation or place match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications_service.compared import MAX_CHARACTERS, compared


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sykepleier", "SYKEPLEIER"),
        ("  Bodø ", "bodø"),
        ("Mo i\tRana", "Mo  i Rana"),
        ("Ålesund", "A\u030alesund"),
        ("Straße", "STRASSE"),
    ],
)
def test_case_form_and_spaces_do_not_count(one: str, other: str) -> None:
    assert compared(one) == compared(other)


@given(st.text())
def test_comparing_twice_changes_nothing(text: str) -> None:
    assert compared(compared(text)) == compared(text)


@given(st.text(min_size=MAX_CHARACTERS))
def test_two_values_fit_a_row_of_the_index(text: str) -> None:
    assert 2 * len(compared(text).encode(errors="surrogatepass")) <= 2_600
