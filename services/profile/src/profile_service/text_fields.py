"""Knows which words about people, employers and positions are taken in, and in which form they are kept."""

import re
import unicodedata
from typing import Annotated, Final

from chassis.problems import InvalidValue
from pydantic import AfterValidator, Field, SecretStr, StringConstraints

_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./\u00a0-]{3,30}", re.ASCII)
_NORWAY: Final = "+47"


def _one_line(text: str) -> str:
    """Composed, on one line, with single spaces; nothing in it that steers a terminal or a mail."""
    if any(unicodedata.category(character) == "Cc" and character not in "\t\n\r" for character in text):
        raise InvalidValue("holds a control character")
    return " ".join(unicodedata.normalize("NFC", text).split())


def _phone(text: str) -> str:
    """International form; eight digits alone are a Norwegian number."""
    digits = "".join(re.findall(r"[0-9]", text))
    if _PHONE.fullmatch(text) is None or not 5 <= len(digits) <= 15:
        raise InvalidValue("is not a phone number")
    if text.startswith("+"):
        return f"+{digits}"
    if digits.startswith("00") and len(digits) > 8:
        return f"+{digits[2:]}"
    return f"{_NORWAY}{digits}" if len(digits) == 8 else digits


Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_one_line)]
Label = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_one_line)
]
"""An occupation or a place: even at its longest folded form it is compared whole."""
Phone = Annotated[str, Field(min_length=5, max_length=32), AfterValidator(_phone)]
Password = Annotated[SecretStr, Field(min_length=12, max_length=200)]
