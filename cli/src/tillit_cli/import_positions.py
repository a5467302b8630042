"""Publishes the adverts of a JobPosting file, each by an account of its employer that the import makes when needed.

The accounts are the importer's own: their passwords follow from the operator's key, so that a repeat finds them again
and nothing has to be kept.
"""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from chassis.clock import SystemClock

from tillit_cli.import_file import Parsed
from tillit_cli.import_people import EMAIL_TAKEN
from tillit_cli.import_run import Outcome
from tillit_cli.job_posting import JobPosting
from tillit_cli.patient_http import Refused
from tillit_cli.portal import Employer, Login, Portal

_DOMAIN: Final = "import.example"


@dataclass(frozen=True, slots=True)
class PublishedPosting:
    """An advert that is out, and the moment just before it was asked to be published."""

    position_id: UUID
    posting: JobPosting
    asked_at: datetime


class EmployerAccounts:
    """One account per employer, registered at its first use."""

    def __init__(self, portal: Portal, operator_key: bytes) -> None:
        self._portal = portal
        self._secret = hmac.digest(operator_key, b"tillit import accounts", sha256)
        self._logins: dict[str, asyncio.Task[Login]] = {}

    async def login_of(self, employer: Employer) -> Login:
        """The account's way in; two that ask at once wait for the same one."""
        if employer.orgnr not in self._logins:
            self._logins[employer.orgnr] = asyncio.create_task(self._registered(employer))
        return await self._logins[employer.orgnr]

    async def _registered(self, employer: Employer) -> Login:
        secret = hmac.digest(self._secret, employer.orgnr.encode(), sha256)
        password = urlsafe_b64encode(secret[:24]).decode()
        login = Login(self._portal, f"import-{employer.orgnr}@{_DOMAIN}", password)
        try:
            await self._portal.register_employer_user(employer, "Import", login.email, login.password, key=str(uuid4()))
        except Refused as refusal:
            if refusal.slug != EMAIL_TAKEN:
                raise
        return login


class PositionsImport:
    """Publishes one advert at a time."""

    def __init__(
        self, portal: Portal, operator_key_file: Path, published: Callable[[PublishedPosting], None] | None = None
    ) -> None:
        self._portal = portal
        self._accounts = EmployerAccounts(portal, operator_key_file.read_bytes())
        self._published = published

    async def send(self, item: Parsed[JobPosting]) -> Outcome:
        """Publish one; an advert of the same employer under the same identifier is there already."""
        posting = item.value
        login = await self._accounts.login_of(Employer(posting.employer_name, posting.employer_orgnr))
        asked_at = SystemClock().now()
        published = await self._portal.publish(login, posting, key=_key_of(posting))
        if not published.new:
            return Outcome.KNOWN
        if self._published is not None:
            self._published(PublishedPosting(published.position_id, posting, asked_at))
        return Outcome.ADDED


def _key_of(posting: JobPosting) -> str:
    """The same for the same advert, so that an import that broke off can be repeated as it is."""
    return sha256(posting.model_dump_json().encode()).hexdigest()
