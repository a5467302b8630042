"""Knows who is old enough to consent to a profile of their own: 13 years (personopplysningsloven § 5)."""

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

AGE_OF_CONSENT: Final = 13
_OSLO: Final = ZoneInfo("Europe/Oslo")
_LONGEST_LIFE: Final = 125


def old_enough(born: date, now: datetime) -> bool:
    """Whether the 13th birthday has come, by the calendar in Oslo. Who is born on 29 February turns on 1 March."""
    return _age(born, now.astimezone(_OSLO).date()) >= AGE_OF_CONSENT


def can_be_alive(born: date, now: datetime) -> bool:
    """Whether it is anybody's date of birth."""
    return 0 <= _age(born, now.astimezone(_OSLO).date()) <= _LONGEST_LIFE


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
