"""Makes a person whose name, mail, phone and birth date nothing else in the world is likely to hold, so that finding
any of them anywhere means finding this person."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from tillit_cli.proof.needles import (
    Needle,
    needles_of,
    spellings_of_date,
    spellings_of_name,
    spellings_of_phone,
)

_CONSONANTS: Final = "bdfghjklmnprstv"
_VOWELS: Final = "aeiouyæøå"
_FIRST_BIRTHDAY: Final = date(1950, 1, 1)
_DAYS: Final = 50 * 365


@dataclass(frozen=True, slots=True)
class UniquePerson:
    """Someone who does not exist."""

    name: str
    email: str
    phone: str
    birth_date: date

    def __repr__(self) -> str:
        return "UniquePerson(…)"

    def needles(self, whose: str) -> list[Needle]:
        """Every form of everything that tells who they are."""
        told: Mapping[str, Iterable[str]] = {
            f"{whose} name": spellings_of_name(self.name),
            f"{whose} mail": [self.email, self.email.upper()],
            f"{whose} phone": spellings_of_phone(self.phone),
            f"{whose} birth date": spellings_of_date(self.birth_date),
        }
        return needles_of(told)


def make_person() -> UniquePerson:
    """Somebody new. The phone's country code +999 belongs to no country; `example.org` to nobody."""
    return UniquePerson(
        name=f"{_word(4)} {_word(5)}sæter",
        email=f"{secrets.token_hex(10)}@example.org",
        phone="+999" + "".join(secrets.choice("0123456789") for _ in range(11)),
        birth_date=_FIRST_BIRTHDAY + timedelta(days=secrets.randbelow(_DAYS)),
    )


def _word(syllables: int) -> str:
    return "".join(secrets.choice(_CONSONANTS) + secrets.choice(_VOWELS) for _ in range(syllables)).capitalize()
