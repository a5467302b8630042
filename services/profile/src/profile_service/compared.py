"""Knows when two spellings of an occupation or a place are the same: case, Unicode form and spaces do not count."""

import unicodedata
from typing import Final

MAX_CHARACTERS: Final = 300
"""Longer than any occupation; two of them at four bytes a character still fit a row of a B-tree index (2,704 bytes)."""


def compared(text: str) -> str:
    """The form in which occupations and places are compared; applying it again changes nothing."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(folded.split())[:MAX_CHARACTERS].rstrip()
