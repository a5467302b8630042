"""What the tests of promises do with the running system, as people, employers and operators do it."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID, uuid4

import httpx
from chassis.clock import SystemClock, monotonic
from contracts.personal import Category
from local_stack.stack import StackInfo
from pydantic import JsonValue
from tillit_cli.import_positions import EmployerAccounts
from tillit_cli.job_posting import JobPosting
from tillit_cli.json_resume import Address, JobInterest
from tillit_cli.operator_calls import Erasure, Operator
from tillit_cli.portal import Employer, Login, NewPerson, Portal, Scope
from tillit_cli.proof.byte_search import Hit, Searcher
from tillit_cli.proof.controls import checkpoint
from tillit_cli.proof.needles import Needle
from tillit_cli.proof.residue import ResidueProof
from tillit_cli.proof.stored_rows import StoredRows
from tillit_cli.proof.unique_person import UniquePerson, make_person
from tillit_cli.settled import wait_until_settled

from chassis import tls

EMPLOYER: Final = Employer("Prøvebedriften AS", "974760673")
SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class JobSeeker:
    """Somebody who has registered, as the test knows them."""

    person: UniquePerson
    subject_id: UUID
    login: Login

    def __repr__(self) -> str:
        return f"JobSeeker({self.subject_id})"


class System:
    """The running system."""

    def __init__(self, info: StackInfo, operator: Operator, portal: Portal) -> None:
        self.info = info
        self.operator = operator
        self.portal = portal
        self.stored = StoredRows(info.admin_database)
        self._accounts = EmployerAccounts(portal, info.operator_key_file.read_bytes())

    async def job_seeker(self, *interests: JobInterest) -> JobSeeker:
        """Somebody new, with everything a job seeker may tell of themselves."""
        person = make_person()
        told = NewPerson(
            person.name,
            person.email,
            person.phone,
            Address(street="Prøveveien 1", postal_code="0000", city="Ingensteds", country_code="NO"),
            person.birth_date,
            {"work": [{"name": "Tidligere arbeidsgiver", "summary": person.name}]},
        )
        login = Login(self.portal, person.email, secrets.token_urlsafe(24))
        subject_id = await self.portal.register(told, login.password, key=str(uuid4()))
        for interest in interests:
            await self.portal.save_interest(login, interest, key=str(uuid4()))
        return JobSeeker(person, subject_id, login)

    async def employer_user(self) -> Login:
        return await self._accounts.login_of(EMPLOYER)

    async def publish(self, occupation: str, place: str = "Oslo") -> UUID:
        """A position of the test's employer."""
        now = SystemClock().now()
        posting = JobPosting(
            title=f"Stilling som {occupation}",
            description_html="<p>En prøve.</p>",
            published_at=now,
            expires_at=None,
            employer_name=EMPLOYER.name,
            employer_orgnr=EMPLOYER.orgnr,
            occupation=occupation,
            industry=None,
            place=place,
            other_places=(),
            region=None,
            postal_code=None,
            street=None,
            employment_types=(),
            external_id=str(uuid4()),
            contacts=(),
            salary=None,
            direct_apply=None,
        )
        published = await self.portal.publish(await self.employer_user(), posting, key=str(uuid4()))
        return published.position_id

    async def ask(
        self,
        service: str,
        method: str,
        path: str,
        login: Login | None = None,
        body: Mapping[str, JsonValue] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Any request to any service, good or not."""
        sent = dict(headers or {})
        if login is not None:
            sent["Authorization"] = f"Bearer {await login.token()}"
        async with httpx.AsyncClient(
            base_url=self.info.services[service], trust_env=False, timeout=30, verify=tls.trusted()
        ) as http:
            return await http.request(method, path, headers=sent, json=body)

    async def settled(self) -> None:
        """Everything that was published is sent, read and acted on."""
        await wait_until_settled(self.info, self.operator, seconds=SECONDS)

    async def erased(self, who: JobSeeker, scope: Scope) -> Erasure:
        """Have them ask for their deletion, and wait until it is done everywhere."""
        await self.portal.delete_me(who.login, scope)
        return await self.done_again(who.subject_id)

    async def done_again(self, subject: UUID) -> Erasure:
        """Wait until the person's newest erasure is done everywhere."""
        deadline = monotonic() + SECONDS
        while monotonic() < deadline:
            found = await self.operator.erasures(subject)
            if found and found[0].done_at is not None:
                await self.settled()
                return found[0]
            await asyncio.sleep(0.1)
        raise TimeoutError("the erasure was not done")

    async def mails_to(self, address: str) -> list[str]:
        """The texts of the mails that the outside world got for an address."""
        async with httpx.AsyncClient(base_url=self.info.mail_url, trust_env=False, verify=tls.trusted()) as http:
            answer = await http.get("/api/mails", params={"to": address})
        return [mail["text"] for mail in cast("dict[str, list[dict[str, str]]]", answer.json())["mails"]]

    async def readable_traces(self, who: JobSeeker) -> set[Hit]:
        """Where anything that tells who they are lies in the clear: files, logs, Kafka's segments, rows."""
        return await self.search(who.subject_id, who.person.needles("their"))

    async def search(self, subject: UUID, needles: Sequence[Needle]) -> set[Hit]:
        """Where these lie: in files, logs, Kafka's segments, rows."""
        proof = ResidueProof(self.info, subject, needles)
        await checkpoint(self.stored)
        searcher = Searcher(needles)
        hits = (await self.stored.search(searcher)).hits
        for place in proof.places():
            hits |= (await asyncio.to_thread(searcher.search_place, place)).hits
        return hits

    async def sealed_in_tables(self, who: JobSeeker) -> dict[str, set[Category]]:
        """Which categories of their sealed data each service's tables hold, by database."""
        proof = ResidueProof(self.info, who.subject_id, who.person.needles("their"))
        found: dict[str, set[Category]] = {}
        for blob in await proof.blobs_of(who.subject_id):
            holder = blob.where.partition(".")[0]
            if holder in self.info.databases:
                found.setdefault(holder, set()).add(Category(blob.header.category))
        return found
