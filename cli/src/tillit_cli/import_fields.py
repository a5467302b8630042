"""Knows the values that an import accepts: text without control characters, e-mail, phone, dates, organisation numbers.

Validators never quote a value in a fault: what a file holds is personal data.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo

from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from tillit_cli.import_file import OWN_FAULT

OSLO: Final = ZoneInfo("Europe/Oslo")
LINE: Final = 300
PROSE: Final = 20_000
EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2200

_PARTIAL_DATE: Final = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", re.ASCII)
_FULL_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./\u00a0-]{3,30}", re.ASCII)
_ORGNR: Final = re.compile(r"[0-9]{9}", re.ASCII)
_ORGNR_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)


class Unprinted(BaseModel):
    """A frozen value whose repr, and whose validation errors, show none of its fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def __repr_args__(self) -> Sequence[tuple[str | None, object]]:
        return ()


def fault(message: str) -> PydanticCustomError:
    """A fault in our own words, the only kind that reaches the reason of a rejection."""
    return PydanticCustomError(OWN_FAULT, message)  # pyright: ignore[reportArgumentType]  # a LiteralString by type only


def normalised(text: str) -> str:
    """A label as it is compared: two labels match when these are equal."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def readable(value: JsonValue) -> JsonValue:
    """Text in composed form, refused when it holds what PostgreSQL, a mail or a terminal can't take."""
    if not isinstance(value, str):
        return value
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r":
            raise fault("holds a control character or half a character")
    return unicodedata.normalize("NFC", value)


def _one_line(value: JsonValue) -> JsonValue:
    text = readable(value)
    return " ".join(text.split()) if isinstance(text, str) else text


def _lines(value: JsonValue) -> JsonValue:
    text = readable(value)
    return text.replace("\r\n", "\n").replace("\r", "\n").strip() if isinstance(text, str) else text


def _absent_when_empty(value: JsonValue) -> JsonValue:
    """Exports write the empty string for "not told"."""
    return None if isinstance(value, str) and not value.strip() else value


def _email(value: JsonValue) -> JsonValue:
    text = _one_line(value)
    if not isinstance(text, str) or not text:
        return text
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise fault("is not an e-mail address") from error


def _phone(value: JsonValue) -> JsonValue:
    text = _one_line(value)
    if not isinstance(text, str):
        return text
    digits = "".join(character for character in text if character in "0123456789")
    if _PHONE.fullmatch(text) is None or not 5 <= len(digits) <= 15:
        raise fault("is not a phone number")
    if text.startswith("+"):
        return f"+{digits}"
    if digits.startswith("00") and len(digits) > 8:
        return f"+{digits[2:]}"
    return f"+47{digits}" if len(digits) == 8 else digits


def _partial_date(value: JsonValue) -> JsonValue:
    text = _one_line(value)
    if not isinstance(text, str):
        return text
    if _PARTIAL_DATE.fullmatch(text) is None or not _is_a_day(text + "-01-01"[len(text) - 4 :]):
        raise fault("is not a date: YYYY, YYYY-MM or YYYY-MM-DD")
    return text


def _full_date(value: JsonValue) -> date:
    text = _one_line(value)
    if not isinstance(text, str) or _FULL_DATE.fullmatch(text) is None or not _is_a_day(text):
        raise fault("is not a date: YYYY-MM-DD")
    return date.fromisoformat(text)


def _is_a_day(text: str) -> bool:
    try:
        return EARLIEST_YEAR <= date.fromisoformat(text).year <= LATEST_YEAR
    except ValueError:
        return False


def moment(value: JsonValue, *, end_of_day: bool) -> datetime:
    """The instant that a date, or a date with a time, stands for; in Oslo when no zone is told.

    A date alone is its first instant, or with `end_of_day` the first instant of the day after.
    """
    text = _one_line(value)
    if not isinstance(text, str):
        raise fault("must be a date in text")
    try:
        told = datetime.fromisoformat(text)
    except ValueError as error:
        raise fault("is not a date: YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+hh:mm") from error
    if not EARLIEST_YEAR <= told.year <= LATEST_YEAR:
        raise fault(f"is not between the years {EARLIEST_YEAR} and {LATEST_YEAR}")
    if _FULL_DATE.fullmatch(text) is not None:
        day = told.date() + timedelta(days=1) if end_of_day else told.date()
        return datetime.combine(day, time.min, OSLO).astimezone(UTC)
    return (told if told.tzinfo is not None else told.replace(tzinfo=OSLO)).astimezone(UTC)


def is_orgnr(text: str) -> bool:
    """Whether this is a Norwegian organisation number: nine digits, the last a modulus 11 check digit."""
    if _ORGNR.fullmatch(text) is None:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _ORGNR_WEIGHTS, strict=False))
    return (11 - total % 11) % 11 == int(text[8])


Line: TypeAlias = Annotated[str, Field(strict=True, min_length=1, max_length=LINE), BeforeValidator(_one_line)]
Prose: TypeAlias = Annotated[str, Field(strict=True, min_length=1, max_length=PROSE), BeforeValidator(_lines)]
Email: TypeAlias = Annotated[str, Field(strict=True, min_length=1, max_length=254), BeforeValidator(_email)]
OptionalLine: TypeAlias = Annotated[Line | None, BeforeValidator(_absent_when_empty)]
OptionalProse: TypeAlias = Annotated[Prose | None, BeforeValidator(_absent_when_empty)]
OptionalEmail: TypeAlias = Annotated[Email | None, BeforeValidator(_absent_when_empty)]
Phone: TypeAlias = Annotated[str, Field(strict=True), BeforeValidator(_phone)]
OptionalPhone: TypeAlias = Annotated[Phone | None, BeforeValidator(_absent_when_empty)]
PartialDate: TypeAlias = Annotated[str, Field(strict=True), BeforeValidator(_partial_date)]
OptionalPartialDate: TypeAlias = Annotated[PartialDate | None, BeforeValidator(_absent_when_empty)]
FullDate: TypeAlias = Annotated[date, BeforeValidator(_full_date)]
OptionalFullDate: TypeAlias = Annotated[FullDate | None, BeforeValidator(_absent_when_empty)]
