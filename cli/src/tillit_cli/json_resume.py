"""Reads people: a file of JSON Resume 1.x, item by item, each usable or refused with a reason that tells no one's data.

JSON Resume knows no birth date and no wanted position; both stand in its `meta`, under `tillit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, JsonValue, ValidationError, model_validator

from tillit_cli.import_fields import (
    Email,
    Line,
    OptionalFullDate,
    OptionalLine,
    OptionalPartialDate,
    OptionalPhone,
    OptionalProse,
    Prose,
    Unprinted,
    fault,
    normalised,
)
from tillit_cli.import_file import (
    MAX_FILE_BYTES,
    Parsed,
    ReadItem,
    Rejected,
    document_in,
    ignored_fields,
    numbered,
    reason_of,
    structural_fault,
)

MOST_ENTRIES: Final = 200
LONGEST_LIFE: Final = 120

T = TypeVar("T")


def _none_as_empty(value: JsonValue) -> JsonValue:
    return [] if value is None else value


Entries: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_none_as_empty), Field(max_length=MOST_ENTRIES)]


class Period(Unprinted):
    """From when to when, each as exact as its author cared to be; no end means that it goes on."""

    start_date: OptionalPartialDate = None
    end_date: OptionalPartialDate = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.start_date is not None and self.end_date is not None:
            shared = min(len(self.start_date), len(self.end_date))
            if self.end_date[:shared] < self.start_date[:shared]:
                raise fault("endDate is before startDate")
        return self


class Work(Period):
    """One employment."""

    name: OptionalLine = None
    position: OptionalLine = None
    location: OptionalLine = None
    url: OptionalLine = None
    summary: OptionalProse = None
    highlights: Entries[Prose] = ()


class Volunteer(Period):
    """One unpaid task."""

    organization: OptionalLine = None
    position: OptionalLine = None
    url: OptionalLine = None
    summary: OptionalProse = None
    highlights: Entries[Prose] = ()


class Education(Period):
    """One course of study or training."""

    institution: OptionalLine = None
    area: OptionalLine = None
    study_type: OptionalLine = None
    score: OptionalLine = None
    url: OptionalLine = None
    courses: Entries[Line] = ()


class Certificate(Unprinted):
    """One licence, authorisation or certificate."""

    name: OptionalLine = None
    date: OptionalPartialDate = None
    issuer: OptionalLine = None
    url: OptionalLine = None


class Skill(Unprinted):
    """One thing that the person masters."""

    name: OptionalLine = None
    level: OptionalLine = None
    keywords: Entries[Line] = ()


class Language(Unprinted):
    """One language that the person speaks."""

    language: OptionalLine = None
    fluency: OptionalLine = None


class About(Unprinted):
    """What the person says of themselves."""

    label: OptionalLine = None
    summary: OptionalProse = None


class ResumeDocument(Unprinted):
    """A resume's content beyond who the person is; people named by others (`references`) are left out."""

    basics: About = About()
    work: Entries[Work] = ()
    volunteer: Entries[Volunteer] = ()
    education: Entries[Education] = ()
    certificates: Entries[Certificate] = ()
    skills: Entries[Skill] = ()
    languages: Entries[Language] = ()

    def as_json(self) -> str:
        """The content as JSON Resume 1.x text: `ResumeDocument.model_validate_json` gives an equal document again."""
        return self.model_dump_json(exclude_none=True)


class Address(Unprinted):
    """Where the person lives, as far as told."""

    street: str | None
    postal_code: str | None
    city: str | None
    country_code: str | None


class JobInterest(Unprinted):
    """An occupation that the person looks for, at a place or anywhere."""

    occupation: Line
    place: OptionalLine = None

    def key(self) -> tuple[str, str | None]:
        """Equal for interests that match the same positions."""
        return normalised(self.occupation), None if self.place is None else normalised(self.place)


class Resume(Unprinted):
    """A job seeker, complete enough to be registered."""

    name: str
    email: str
    phone: str | None
    birth_date: date | None
    address: Address | None
    job_interests: tuple[JobInterest, ...]
    resume: ResumeDocument


def read_people(path: Path, *, today: date, max_bytes: int = MAX_FILE_BYTES) -> Iterator[ReadItem[Resume]]:
    """Every resume of a file, parsed or rejected; a file that can't be read at all is one rejection without index."""
    document = document_in(path, max_bytes=max_bytes)
    if isinstance(document, Rejected):
        yield document
    else:
        yield from people_of(document, today=today)


def people_of(document: JsonValue, *, today: date) -> Iterator[ReadItem[Resume]]:
    """Every resume of a document, a list or a single one; an e-mail address is accepted once."""
    first_with: dict[str, int] = {}
    for index, item in numbered(document):
        read = _read(index, item, today)
        if isinstance(read, Parsed):
            first = first_with.setdefault(read.value.email.casefold(), index)
            if first != index:
                read = Rejected(index, f"basics.email: the same as in item {first}")
        yield read


def _read(index: int, item: JsonValue, today: date) -> ReadItem[Resume]:
    if not isinstance(item, dict):
        return Rejected(index, "must be an object")
    wrong = structural_fault(item)
    if wrong is not None:
        return Rejected(index, wrong)
    try:
        wire = _ResumeAsWritten.model_validate(item)
    except ValidationError as error:
        return Rejected(index, reason_of(error))
    born = wire.meta.tillit.birth_date
    if born is not None and not today.year - LONGEST_LIFE <= born.year <= today.year - 1:
        return Rejected(index, "meta.tillit.birthDate: is in the future or too long ago")
    known = {field.alias for field in _ResumeAsWritten.model_fields.values() if field.alias is not None}
    return Parsed(index, _resume(wire), ignored_fields(item, known | {"$schema"}))


class _Location(Unprinted):
    address: OptionalLine = None
    postal_code: OptionalLine = None
    city: OptionalLine = None
    country_code: OptionalLine = None


class _Basics(About):
    name: Line
    email: Email
    phone: OptionalPhone = None
    location: _Location | None = None


class _Tillit(Unprinted):
    birth_date: OptionalFullDate = None
    job_interests: Entries[JobInterest] = ()


class _Meta(Unprinted):
    tillit: _Tillit = _Tillit()


class _ResumeAsWritten(Unprinted):
    basics: _Basics
    meta: _Meta = _Meta()
    work: Entries[Work] = ()
    volunteer: Entries[Volunteer] = ()
    education: Entries[Education] = ()
    certificates: Entries[Certificate] = ()
    skills: Entries[Skill] = ()
    languages: Entries[Language] = ()


def _resume(wire: _ResumeAsWritten) -> Resume:
    basics = wire.basics
    return Resume(
        name=basics.name,
        email=basics.email,
        phone=basics.phone,
        birth_date=wire.meta.tillit.birth_date,
        address=None if basics.location is None else _address(basics.location),
        job_interests=tuple({interest.key(): interest for interest in wire.meta.tillit.job_interests}.values()),
        resume=ResumeDocument(
            basics=About(label=basics.label, summary=basics.summary),
            work=wire.work,
            volunteer=wire.volunteer,
            education=wire.education,
            certificates=wire.certificates,
            skills=wire.skills,
            languages=wire.languages,
        ),
    )


def _address(location: _Location) -> Address:
    return Address(
        street=location.address,
        postal_code=location.postal_code,
        city=location.city,
        country_code=location.country_code,
    )
