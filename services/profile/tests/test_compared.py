"""Two spellings of one occupation or place are one."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from profile_service.compared import MAX_CHARACTERS, compared

TEXTS = st.text(max_size=400)


@given(TEXTS)
def test_comparing_what_is_compared_changes_nothing(text: str) -> None:
    assert compared(compared(text)) == compared(text)


@given(TEXTS)
def test_composed_and_decomposed_letters_are_the_same(text: str) -> None:
    assert compared(unicodedata.normalize("NFD", text)) == compared(unicodedata.normalize("NFC", text))


@given(st.lists(st.text("abcæøåABCÆØÅ", min_size=1, max_size=10), max_size=5), st.sampled_from([" ", "\t", "\u00a0 "]))
def test_case_and_spaces_do_not_count(words: list[str], space: str) -> None:
    assert compared(f" {space.join(words)} ".upper()) == compared(" ".join(words))


@given(TEXTS)
def test_what_is_compared_fits_an_index(text: str) -> None:
    assert len(compared(text)) <= MAX_CHARACTERS
