"""The forms in which people tell of themselves over HTTP, and the personal fields that they become at once."""

import json
from datetime import date
from typing import Annotated, Final

from chassis.json_bodies import RequestBody
from chassis.problems import InvalidValue
from contracts.personal import Personal, UserInformation
from contracts.profile import HomeAddress
from pydantic import AfterValidator, JsonValue

from profile_service.email_address import Email
from profile_service.orgnr import Orgnr
from profile_service.profiles import Details
from profile_service.text_fields import Label, Line, Password, Phone

_RESUME_BYTES: Final = 200_000


def _bounded(resume: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(_text(resume).encode()) > _RESUME_BYTES:
        raise InvalidValue(f"is over {_RESUME_BYTES} bytes")
    return resume


def _text(resume: dict[str, JsonValue]) -> str:
    return json.dumps(resume, ensure_ascii=False, separators=(",", ":"))


class HomeAddressForm(RequestBody):
    street: Line | None = None
    postal_code: Label | None = None
    city: Label | None = None


class DetailsForm(RequestBody):
    """Contact details and date of birth. What is left out is not told, and not kept."""

    name: Line
    email: Email
    phone: Phone | None = None
    home_address: HomeAddressForm | None = None
    date_of_birth: date | None = None

    def details(self) -> Details:
        address = None if self.home_address is None else HomeAddress(**self.home_address.model_dump())
        return _details(self.name, self.email, self.phone, address, self.date_of_birth)


class CorrectedDetailsForm(DetailsForm):
    """All details as they shall be."""

    password: Password | None = None
    """The current one; needed when the e-mail changes, because it is what one logs in with."""


class JobSeekerForm(DetailsForm):
    """Somebody who looks for work."""

    password: Password
    resume: Annotated[dict[str, JsonValue], AfterValidator(_bounded)] | None = None
    """In the form of JSON Resume; kept sealed, and not looked into."""

    def resume_text(self) -> Personal[str, UserInformation] | None:
        return None if self.resume is None else Personal(_text(self.resume))


class EmployerForm(RequestBody):
    """An organisation."""

    name: Line
    orgnr: Orgnr


class EmployerUserForm(RequestBody):
    """Somebody who acts for an employer."""

    employer: EmployerForm
    name: Line
    email: Email
    phone: Phone | None = None
    password: Password

    def details(self) -> Details:
        return _details(self.name, self.email, self.phone, None, None)


def _details(name: str, email: str, phone: str | None, address: HomeAddress | None, born: date | None) -> Details:
    return Details(
        name=Personal[str, UserInformation](name),
        email=Personal[str, UserInformation](email),
        phone=Personal[str | None, UserInformation](phone),
        home_address=Personal[HomeAddress | None, UserInformation](address),
        date_of_birth=Personal[date | None, UserInformation](born),
    )
