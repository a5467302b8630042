"""The portal as people call it: the service's HTTP edge, asked without a socket, with shorthands for what comes first."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import httpx
from chassis.edge import make_app
from chassis.health import Health
from chassis.metrics import Metrics
from chassis.process import verifiers
from chassis.service import Service
from chassis.testing.services import surroundings
from contracts.personal import SubjectId
from fastapi import FastAPI
from pydantic import JsonValue

PASSWORD = "et langt passord på norsk"
ORGNR = "974760673"


@dataclass(frozen=True)
class Account:
    """Somebody who registered and logged in."""

    subject_id: SubjectId
    email: str
    headers: Mapping[str, str]


@dataclass
class Portal:
    """The HTTP edge, with shorthands for what most tests do first."""

    service: Service
    http: httpx.AsyncClient
    _made: int = field(default=0, init=False)

    def person(self, **changes: JsonValue) -> dict[str, JsonValue]:
        """The form of a job seeker whom nobody else is like."""
        self._made += 1
        form: dict[str, JsonValue] = {
            "name": "Kari Skogheim Nordmann",
            "email": f"kari.skogheim{self._made}@post.no",
            "phone": "912 34 567",
            "home_address": {"street": "Solbakken 14", "postal_code": "8003", "city": "Bodø"},
            "date_of_birth": "1984-05-17",
            "resume": {"basics": {"label": "Anestesisykepleier"}},
            "password": PASSWORD,
        }
        return {**form, **changes}

    def employer_user(self, **changes: JsonValue) -> dict[str, JsonValue]:
        self._made += 1
        form: dict[str, JsonValue] = {
            "employer": {"name": "Fjell sykehus", "orgnr": ORGNR},
            "name": "Per Heggedal",
            "email": f"per.heggedal{self._made}@sykehus.no",
            "password": PASSWORD,
        }
        return {**form, **changes}

    async def job_seeker(self, **changes: JsonValue) -> Account:
        """Registered and logged in."""
        return await self._account("/job-seekers", self.person(**changes))

    async def employer(self, **changes: JsonValue) -> Account:
        """A user of an employer, registered and logged in."""
        return await self._account("/employer-users", self.employer_user(**changes))

    async def _account(self, path: str, form: dict[str, JsonValue]) -> Account:
        answer = await self.http.post(path, json=form)
        assert answer.status_code == 201, answer.text
        email = str(form["email"])
        opened = await self.log_in(email)
        assert opened.status_code == 200, opened.text
        subject = SubjectId(UUID(answer.json()["subject_id"]))
        return Account(subject, email, {"Authorization": f"Bearer {opened.json()['token']}"})

    async def log_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        return await self.http.post("/sessions", json={"email": email, "password": password})

    async def publish(self, account: Account, **changes: JsonValue) -> httpx.Response:
        form: dict[str, JsonValue] = {"title": "Sykepleier, natt", "occupation": "Sykepleier", "place": "Bodø"}
        return await self.http.post("/positions", json={**form, **changes}, headers=account.headers)

    async def ask_deletion(self, account: Account, scope: str = "profile", password: str = PASSWORD) -> httpx.Response:
        form = {"scope": scope, "password": password}
        return await self.http.post("/me/deletion", json=form, headers=account.headers)

    def as_operator(self) -> dict[str, str]:
        signer = surroundings(self.service).identities.signer("operator", self.service.clock)
        return {"Authorization": f"Bearer {signer.internal('profile')}"}


def app_of(service: Service) -> FastAPI:
    """The app as the role `api` has it, with its own metrics and limits."""
    return make_app(
        title=service.name,
        routers=service.routers(),
        settings=service.settings,
        health=Health(),
        metrics=Metrics(),
        verifiers=verifiers(service),
        clock=service.clock,
        own_secret=service.own_key.secret("http"),
    )


@asynccontextmanager
async def portal_of(service: Service) -> AsyncGenerator[Portal]:
    transport = httpx.ASGITransport(app_of(service))
    async with httpx.AsyncClient(transport=transport, base_url="http://profile.example") as http:
        yield Portal(service, http)
