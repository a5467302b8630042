"""Knows what a Norwegian organisation number is: nine digits, the last of which checks the others (modulus 11)."""

from typing import Annotated, Final

from chassis.problems import InvalidValue
from pydantic import AfterValidator, Field

_WEIGHTS: Final = (3, 2, 7, 6, 5, 4, 3, 2)


def check_digit(first_eight: str) -> int | None:
    """The ninth digit for these eight; None when there is none, and no organisation has such a number."""
    total = sum(int(digit) * weight for digit, weight in zip(first_eight, _WEIGHTS, strict=True))
    digit = (11 - total % 11) % 11
    return None if digit == 10 else digit


def _checked(orgnr: str) -> str:
    if check_digit(orgnr[:8]) != int(orgnr[8]):
        raise InvalidValue("is not an organisation number: its check digit is wrong")
    return orgnr


Orgnr = Annotated[str, Field(pattern=r"^[0-9]{9}$", examples=["974760673"]), AfterValidator(_checked)]
