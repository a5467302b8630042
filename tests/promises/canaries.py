"""A unique string for every personal field that exists: where each is told, and which fields can have none, and why."""

import importlib
import pkgutil
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from chassis.json_bodies import RequestBody
from contracts.personal import PersonalRecord
from contracts.registry import EVENTS
from tillit_cli.json_resume import Address
from tillit_cli.proof.needles import (
    Needle,
    needles_of,
    spellings_of_date,
    spellings_of_name,
    spellings_of_phone,
)

SERVICES: Final = ("profile_service", "notifications_service", "audit_log_service", "retention_service")
_ADDRESS: Final = ("street", "postal_code", "city")

TOLD: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "ProfileRegistered.name": ("name",),
        "ProfileRegistered.email": ("email",),
        "ProfileRegistered.phone": ("phone",),
        "ProfileRegistered.home_address": _ADDRESS,
        "ProfileRegistered.date_of_birth": ("birth_date",),
        "ProfileCorrected.name": ("corrected name",),
        "ProfileCorrected.email": ("corrected email",),
        "ProfileCorrected.phone": ("corrected phone",),
        "ProfileCorrected.home_address": tuple(f"corrected {part}" for part in _ADDRESS),
        "ProfileCorrected.date_of_birth": ("corrected birth_date",),
        "JobInterestSaved.occupation": ("occupation", "removed occupation"),
        "JobInterestSaved.place": ("place", "removed place"),
        "Details.name": ("name", "corrected name"),
        "Details.email": ("email", "corrected email"),
        "Details.phone": ("phone", "corrected phone"),
        "Details.home_address": (*_ADDRESS, *(f"corrected {part}" for part in _ADDRESS)),
        "Details.date_of_birth": ("birth_date", "corrected birth_date"),
        "Resume.document": ("resume",),
        "Words.occupation": ("occupation",),
        "Words.place": ("place",),
        "Contact.name": ("corrected name",),
        "Contact.email": ("corrected email",),
        "Mail.address": ("email",),
        "Mail.text": ("name",),
        "Credential.password_hash": ("password",),
        "HomeAddressForm.street": ("street", "corrected street"),
        "HomeAddressForm.postal_code": ("postal_code", "corrected postal_code"),
        "HomeAddressForm.city": ("city", "corrected city"),
        "DetailsForm.name": ("name", "refused name"),
        "DetailsForm.email": ("email", "refused email"),
        "DetailsForm.phone": ("phone", "refused phone"),
        "DetailsForm.home_address": _ADDRESS,
        "DetailsForm.date_of_birth": ("birth_date",),
        "CorrectedDetailsForm.password": ("password", "wrong password"),
        "JobSeekerForm.password": ("password",),
        "JobSeekerForm.resume": ("resume",),
        "JobInterestForm.occupation": ("occupation", "removed occupation"),
        "JobInterestForm.place": ("place", "removed place"),
        "DeletionForm.password": ("password", "wrong password"),
        "Credentials.email": ("email", "refused email"),
        "Credentials.password": ("password", "wrong password"),
        "NewExport.archive": ("copy",),
        "WantedHold.reason": ("hold",),
        "Reason.reason": ("hold",),
    }
)
"""Field of an event, of a sealed record, or of a form; and the canaries that the story tells there."""

_OURS: Final = "drawn by the system: it tells nothing of the person by itself"
_ADVERT: Final = (
    "the id of an advert, which stands in the clear for the advert; that it stands beside the person is sealed"
)
_NOBODY: Final = "about an organisation or an advert"
_DISCLOSED: Final = (
    "nothing of this person is disclosed in the story: only the internal service of S4's test discloses yet"
)
_OF_HOLDS: Final = "a random id, a day, or one of few words of ours"
_USER: Final = "an employer's user, who is another person; the same form fields, table and events as here"
WITHOUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "MessageSent.position_id": _ADVERT,
        "Mail.position_id": _ADVERT,
        "Mail.subject_line": "the advert's title and employer, which stand in the clear for the advert",
        "DeletionAnnounced.cancel_token": _OURS,
        "LastLetter.link": _OURS,
        "LastLetter.recipients": "names of organisations; of this person's, none received anything",
        "LastMailRequested.link": _OURS,
        "LastMailRequested.recipients": "names of organisations; of this person's, none received anything",
        **{f"EmployerUserForm.{name}": _USER for name in ("employer", "name", "email", "phone", "password")},
        **{f"EmployerForm.{name}": _NOBODY for name in ("name", "orgnr")},
        **{
            f"PositionForm.{name}": _NOBODY
            for name in ("title", "occupation", "place", "description_html", "expires_at", "external_id")
        },
        "ClosingForm.reason": _NOBODY,
        "RetirementRequest.reason": "why a service is gone for good, about no person",
        "DeletionForm.scope": "one of two words",
        "NewExport.subject_id": _OURS,
        "Disclosed.fields": _DISCLOSED,
        "Disclosed.why": _DISCLOSED,
        "Acknowledgement.acted_at": "a moment that a recipient names",
        "Acknowledgement.signature": "of a recipient, over a moment and ids of ours",
        **{
            f"WantedHold.{name}": _OF_HOLDS
            for name in ("subject_id", "ground", "review_on", "whole_person", "category", "holder", "table", "records")
        },
        "NextReview.review_on": _OF_HOLDS,
        "Link.token": _OURS,
        "NewKeys.subject_id": _OURS,
        "NewKeys.categories": "one of few words",
        "WantedKey.subject_id": _OURS,
        "WantedKey.category": "one of few words",
        "WantedKeys.keys": "their names",
    }
)
"""Fields without a canary, each with why it needs none."""

SEARCHED: Final = ("occupation", "place", "removed occupation", "removed place")
"""Told in fields that are searched: plain in their owners' indexed columns."""
NOWHERE: Final = ("password", "wrong password", "refused name", "refused email", "refused phone", "query", "header")
"""What no store may have, not even sealed: secrets, what was refused, and what nobody asked for."""


class Canaries:
    """The strings of one person."""

    def __init__(self) -> None:
        self.of: dict[str, str] = {}
        for who in ("", "corrected "):
            self.of |= {
                f"{who}name": f"Kari {_word()} {_word()}sæter",
                f"{who}email": f"{secrets.token_hex(10)}@example.org",
                f"{who}phone": _phone(),
                f"{who}street": f"{_word()}vegen 7",
                f"{who}postal_code": _word(),
                f"{who}city": f"{_word()}bygd",
                f"{who}birth_date": date(1950 + secrets.randbelow(40), 1 + secrets.randbelow(12), 28).isoformat(),
            }
        for name in ("occupation", "place"):
            self.of[name] = f"{_word()}{name}".lower()
            self.of[f"removed {name}"] = f"{_word()}{name}".lower()
        self.of |= {name: _word() for name in ("resume", "copy", "hold", "query", "header", "refused name")}
        self.of |= {"password": secrets.token_urlsafe(24), "wrong password": secrets.token_urlsafe(24)}
        self.of |= {"refused email": f"{secrets.token_hex(10)}@example.org", "refused phone": f"ring {_word()}"}

    def __getitem__(self, name: str) -> str:
        return self.of[name]

    def __repr__(self) -> str:
        return "Canaries(…)"

    def birth_date(self, who: str = "") -> date:
        return date.fromisoformat(self.of[f"{who}birth_date"])

    def address(self, who: str = "") -> Address:
        street, postal_code, city = (self.of[f"{who}{part}"] for part in _ADDRESS)
        return Address(street=street, postal_code=postal_code, city=city, country_code="NO")

    def needles(self, names: Iterable[str]) -> list[Needle]:
        """Every form of these; `of` names the canary."""
        return needles_of({name: self._spellings(name) for name in names})

    def _spellings(self, name: str) -> list[str]:
        value = self.of[name]
        if name.endswith("birth_date"):
            return spellings_of_date(date.fromisoformat(value))
        if name.endswith("phone") and value.startswith("+"):
            return spellings_of_phone(value)
        return spellings_of_name(value) if name.endswith("name") else [value]

    @property
    def sealed(self) -> list[str]:
        """All that is told in fields that are sealed everywhere."""
        return [name for name in self.of if name not in SEARCHED and name not in NOWHERE]


def every_personal_field() -> set[str]:
    """Personal fields of every event and sealed record, and fields of every form, as `Class.field`."""
    found = {f"{event.__name__}.{name}" for event in EVENTS for name in event.personal_fields}
    for package in SERVICES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(module.name)
    for base in (PersonalRecord, RequestBody):
        for form in _below(base):
            if form.__module__.partition(".")[0] in SERVICES:
                found |= {f"{form.__name__}.{name}" for name in form.__annotations__}
    return found


def _below(base: type) -> Iterator[type]:
    for known in base.__subclasses__():
        yield known
        yield from _below(known)


def new_text() -> str:
    """A string that stands nowhere yet."""
    return _word() + _word()


def _word() -> str:
    return "K" + "".join(secrets.choice("bdfghjklmnprstv") + secrets.choice("aeiouy") for _ in range(6))


def _phone() -> str:
    return "+999" + "".join(secrets.choice("0123456789") for _ in range(11))
