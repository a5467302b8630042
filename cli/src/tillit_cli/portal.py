"""The portal as people and employers use it: the profile service's public routes, typed."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal
from uuid import UUID

from chassis.clock import SystemClock
from pydantic import BaseModel, JsonValue

from tillit_cli.job_posting import JobPosting
from tillit_cli.json_resume import Address, JobInterest
from tillit_cli.patient_http import PatientHttp

_LOGIN_MARGIN: Final = timedelta(minutes=2)
Scope = Literal["profile", "everything"]


class _Registered(BaseModel):
    subject_id: UUID


class _Session(BaseModel):
    token: str
    expires_at: datetime


class _Position(BaseModel):
    position_id: UUID


@dataclass(frozen=True, slots=True)
class Published:
    """A position that is open to be found; `new` unless the same advert was published before."""

    position_id: UUID
    new: bool


class Deletion(BaseModel):
    """A deletion that was asked for: final at `final_at` unless it is cancelled."""

    final_at: datetime


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who registers as a job seeker."""

    name: str
    email: str
    phone: str | None = None
    address: Address | None = None
    birth_date: date | None = None
    resume: Mapping[str, JsonValue] | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        return "NewPerson(…)"


@dataclass(frozen=True, slots=True)
class Employer:
    """Who advertises."""

    name: str
    orgnr: str


class Login:
    """An account's way in. The password stays in memory; a token is taken anew before it ends."""

    def __init__(self, portal: "Portal", email: str, password: str) -> None:
        self._portal = portal
        self.email = email
        self.password = password
        self._session: _Session | None = None

    async def token(self) -> str:
        session = self._session
        if session is None or session.expires_at - SystemClock().now() < _LOGIN_MARGIN:
            session = self._session = await self._portal.log_in(self.email, self.password)
        return session.token


class Portal:
    """The public routes of one profile service.

    Every method raises `Refused` when the service says no, and `Unreachable` when it says nothing.
    """

    def __init__(self, http: PatientHttp) -> None:
        self._http = http

    async def register(self, person: NewPerson, password: str, *, key: str) -> UUID:
        """Register a job seeker; the answer is their subject id."""
        body: dict[str, JsonValue] = {"name": person.name, "email": person.email, "password": password}
        if person.phone is not None:
            body["phone"] = person.phone
        if person.address is not None:
            address = {
                "street": person.address.street,
                "postal_code": person.address.postal_code,
                "city": person.address.city,
            }
            body["home_address"] = {name: value for name, value in address.items() if value is not None}
        if person.birth_date is not None:
            body["date_of_birth"] = person.birth_date.isoformat()
        if person.resume is not None:
            body["resume"] = dict(person.resume)
        answer = await self._http.call("POST", "/job-seekers", body=body, idempotency_key=key)
        return _Registered.model_validate_json(answer.content).subject_id

    async def register_employer_user(
        self, employer: Employer, name: str, email: str, password: str, *, key: str
    ) -> UUID:
        """Register a person who acts for an employer, and the employer if it is new."""
        body: dict[str, JsonValue] = {
            "employer": {"name": employer.name, "orgnr": employer.orgnr},
            "name": name,
            "email": email,
            "password": password,
        }
        answer = await self._http.call("POST", "/employer-users", body=body, idempotency_key=key)
        return _Registered.model_validate_json(answer.content).subject_id

    async def log_in(self, email: str, password: str) -> _Session:
        answer = await self._http.call("POST", "/sessions", body={"email": email, "password": password})
        return _Session.model_validate_json(answer.content)

    async def save_interest(self, login: Login, interest: JobInterest, *, key: str) -> None:
        """Ask to be told of new positions."""
        body: dict[str, JsonValue] = {"occupation": interest.occupation}
        if interest.place is not None:
            body["place"] = interest.place
        await self._http.call("POST", "/me/job-interests", token=await login.token(), body=body, idempotency_key=key)

    async def publish(self, login: Login, posting: JobPosting, *, key: str) -> Published:
        """Advertise a position, without its contact persons."""
        body: dict[str, JsonValue] = {
            "title": posting.title,
            "occupation": posting.occupation,
            "place": posting.place,
            "description_html": posting.description_html,
        }
        if posting.expires_at is not None:
            body["expires_at"] = posting.expires_at.isoformat()
        if posting.external_id is not None:
            body["external_id"] = posting.external_id
        answer = await self._http.call("POST", "/positions", token=await login.token(), body=body, idempotency_key=key)
        new = answer.status_code == HTTPStatus.CREATED and "Idempotent-Replayed" not in answer.headers
        return Published(_Position.model_validate_json(answer.content).position_id, new)

    async def delete_me(self, login: Login, scope: Scope) -> Deletion:
        """Ask for the deletion of one's own profile, or of everything."""
        body: dict[str, JsonValue] = {"scope": scope, "password": login.password}
        answer = await self._http.call("POST", "/me/deletion", token=await login.token(), body=body)
        return Deletion.model_validate_json(answer.content)


@asynccontextmanager
async def portal_at(url: str) -> AsyncGenerator[Portal]:
    """The portal whose profile service is at this address."""
    http = PatientHttp("profile", url)
    try:
        yield Portal(http)
    finally:
        await http.close()
