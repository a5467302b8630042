"""Registers people of a JSON Resume file as job seekers, with the interests that they named."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from tillit_cli.import_file import Parsed
from tillit_cli.import_run import Outcome
from tillit_cli.json_resume import Resume
from tillit_cli.patient_http import Refused
from tillit_cli.portal import Login, NewPerson, Portal

EMAIL_TAKEN = "email-taken"


@dataclass(frozen=True, slots=True)
class Registration:
    """A person who has just registered, with their way in: in memory, and nowhere else."""

    index: int
    subject_id: UUID
    login: Login

    def __repr__(self) -> str:
        return f"Registration({self.index}, {self.subject_id})"


class PeopleImport:
    """Registers one person at a time. Passwords are random, and known to nobody who is not told of a registration."""

    def __init__(self, portal: Portal, registered: Callable[[Registration], None] | None = None) -> None:
        self._portal = portal
        self._registered = registered

    async def send(self, item: Parsed[Resume]) -> Outcome:
        """Register one; whose address is taken is there already, and is left as they are."""
        resume = item.value
        login = Login(self._portal, resume.email, secrets.token_urlsafe(24))
        try:
            subject_id = await self._portal.register(_person(resume), login.password, key=str(uuid4()))
        except Refused as refusal:
            if refusal.slug == EMAIL_TAKEN:
                return Outcome.KNOWN
            raise
        for interest in resume.job_interests:
            await self._portal.save_interest(login, interest, key=str(uuid4()))
        if self._registered is not None:
            self._registered(Registration(item.index, subject_id, login))
        return Outcome.ADDED


def _person(resume: Resume) -> NewPerson:
    return NewPerson(
        name=resume.name,
        email=resume.email,
        phone=resume.phone,
        address=resume.address,
        birth_date=resume.birth_date,
        resume=json.loads(resume.resume.as_json()),
    )
