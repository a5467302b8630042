"""Reads position adverts: a file of schema.org `JobPosting` in JSON-LD, each usable or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue, ValidationError

from tillit_cli.import_fields import OptionalEmail, OptionalLine, OptionalPhone, Unprinted, normalised
from tillit_cli.import_file import (
    MAX_FILE_BYTES,
    Parsed,
    ReadItem,
    Rejected,
    TwiceNamed,
    document_in,
    ignored_fields,
    reason_of,
    structural_fault,
)
from tillit_cli.json_ld import KEYWORDS, is_a, nodes_of
from tillit_cli.schema_org import PostingAsWritten, Salary

__all__ = ["Contact", "JobPosting", "Salary", "normalised", "positions_of", "read_positions"]


class Contact(Unprinted):
    """A person at the employer to ask: a data subject too."""

    name: OptionalLine = None
    title: OptionalLine = None
    email: OptionalEmail = None
    phone: OptionalPhone = None


class JobPosting(Unprinted):
    """A position advert, complete enough to be published and matched."""

    title: str
    description_html: str
    published_at: datetime
    expires_at: datetime | None
    employer_name: str
    employer_orgnr: str
    occupation: str
    industry: str | None
    place: str
    other_places: tuple[str, ...]
    region: str | None
    postal_code: str | None
    street: str | None
    employment_types: tuple[str, ...]
    external_id: str | None
    contacts: tuple[Contact, ...]
    salary: Salary | None
    direct_apply: bool | None

    def published_anew(self, at: datetime) -> JobPosting:
        """The same advert published at another moment, with as long to apply: a sample set never goes stale."""
        expires_at = None if self.expires_at is None else at + (self.expires_at - self.published_at)
        return self.model_copy(update={"published_at": at, "expires_at": expires_at})


def read_positions(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> Iterator[ReadItem[JobPosting]]:
    """Every advert of a file, parsed or rejected; a file that can't be read at all is one rejection without index."""
    document = document_in(path, max_bytes=max_bytes)
    if isinstance(document, Rejected):
        yield document
    else:
        yield from positions_of(document)


def positions_of(document: JsonValue) -> Iterator[ReadItem[JobPosting]]:
    """Every advert of a JSON-LD document: a list, a `@graph` or a single one."""
    if isinstance(document, TwiceNamed) and "@graph" in document:
        yield Rejected(None, "the document names the same field twice")
        return
    for index, item in nodes_of(document, "JobPosting"):
        yield _read(index, item)


def _read(index: int, item: JsonValue) -> ReadItem[JobPosting]:
    if not isinstance(item, dict):
        return Rejected(index, "must be an object")
    wrong = structural_fault(item)
    if wrong is not None:
        return Rejected(index, wrong)
    if not is_a(item, "JobPosting"):
        return Rejected(index, "@type: is not JobPosting" if "@type" in item else "@type: is missing")
    try:
        wire = PostingAsWritten.model_validate(item)
    except ValidationError as error:
        return Rejected(index, reason_of(error))
    known = {field.alias for field in PostingAsWritten.model_fields.values() if field.alias is not None}
    return Parsed(index, _posting(wire), ignored_fields(item, known | KEYWORDS))


def _posting(wire: PostingAsWritten) -> JobPosting:
    address = wire.job_location[0].address
    return JobPosting(
        title=wire.title,
        description_html=wire.description,
        published_at=wire.date_posted,
        expires_at=wire.valid_through,
        employer_name=wire.hiring_organization.name,
        employer_orgnr=wire.hiring_organization.identifier,
        occupation=wire.occupational_category,
        industry=wire.industry,
        place=address.address_locality,
        other_places=tuple(place.address.address_locality for place in wire.job_location[1:]),
        region=address.address_region,
        postal_code=address.postal_code,
        street=address.street_address,
        employment_types=wire.employment_type,
        external_id=wire.identifier,
        contacts=tuple(
            Contact(
                name=contact.name,
                title=contact.job_title or contact.contact_type,
                email=contact.email,
                phone=contact.telephone,
            )
            for contact in wire.application_contact
        ),
        salary=None if wire.base_salary is None else wire.base_salary.told(),
        direct_apply=wire.direct_apply,
    )
