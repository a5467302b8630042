"""Drives one person with a canary in every field through every feature that exists, and copies what could be kept."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from chassis.clock import SystemClock, new_id
from contracts.personal import Category
from contracts.privacy import LegalGround
from contracts.profile import JobInterestSaved
from pydantic import BaseModel, JsonValue
from tillit_cli.json_resume import JobInterest
from tillit_cli.operator_calls import Erasure, operating
from tillit_cli.portal import Login, NewPerson
from tillit_cli.proof.kafka_records import StoredRecord, every_record

from .canaries import Canaries
from .system import System

MATCHED: Final = "Prøvesmed"
"""What a position is found by: public, because it stands in the advert."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who told everything. `link` is the token of the copy that waits for them."""

    subject: UUID
    login: Login
    link: str

    def __repr__(self) -> str:
        return f"Told({self.subject})"


class _Opened(BaseModel):
    token: str


class _Placed(BaseModel):
    hold_id: UUID


async def tell_everything(system: System, canary: Canaries) -> Told:
    """Somebody who told every field, and tried what is refused. Everything is settled when it returns."""
    person = NewPerson(
        canary["name"],
        canary["email"],
        canary["phone"],
        canary.address(),
        canary.birth_date(),
        {"work": [{"name": "Tidligere arbeidsgiver", "summary": canary["resume"]}]},
    )
    login, key = Login(system.portal, canary["email"], canary["password"]), str(uuid4())
    subject = await system.portal.register(person, login.password, key=key)
    assert await system.portal.register(person, login.password, key=key) == subject
    await _interests(system, login, canary)
    await system.settled()
    await system.publish(MATCHED, "Ingensteds")
    await system.settled()
    await _refused(system, login, canary)
    login = await _corrected(system, login, canary)
    await _parked(system, subject, login)
    await _held_for_a_while(system, subject, canary)
    link = await _copy_waits(system, subject, canary)
    await system.settled()
    return Told(subject, login, link)


async def erase_everything(system: System, told: Told, canary: Canaries) -> Erasure:
    """They ask for it, fetch the copy that it waits for, and it is done."""
    await system.portal.delete_me(told.login, "everything")
    answer = await system.ask("retention", "POST", "/exports/collect", body={"token": told.link})
    assert canary["copy"] in answer.text
    erasure = await system.done_again(told.subject)
    await system.settled()
    return erasure


async def _interests(system: System, login: Login, canary: Canaries) -> None:
    for interest in (
        JobInterest(occupation=canary["occupation"], place=canary["place"]),
        JobInterest(occupation=canary["removed occupation"], place=canary["removed place"]),
        JobInterest(occupation=MATCHED),
    ):
        key = str(uuid4())
        await system.portal.save_interest(login, interest, key=key)
        await system.portal.save_interest(login, interest, key=key)
    shown = (await system.ask("profile", "GET", "/me/job-interests", login)).json()["items"]
    [gone] = [one["interest_id"] for one in shown if one["occupation"] == canary["removed occupation"]]
    assert (await system.ask("profile", "DELETE", f"/me/job-interests/{gone}", login)).status_code == 204


async def _refused(system: System, login: Login, canary: Canaries) -> None:
    """What must leave no trace: refused forms, wrong passwords, what stands in a URL or a header."""
    refused: dict[str, JsonValue] = {
        "name": canary["refused name"],
        "email": canary["refused email"],
        "phone": canary["refused phone"],
        "password": canary["wrong password"],
    }
    assert (await system.ask("profile", "POST", "/job-seekers", body=refused)).status_code == 422
    wrong: dict[str, JsonValue] = {"email": canary["email"], "password": canary["wrong password"]}
    assert (await system.ask("profile", "POST", "/sessions", body=wrong)).status_code == 401
    nobody: dict[str, JsonValue] = {"email": canary["refused email"], "password": canary["wrong password"]}
    assert (await system.ask("profile", "POST", "/sessions", body=nobody)).status_code == 401
    scope: dict[str, JsonValue] = {"scope": "everything", "password": canary["wrong password"]}
    assert (await system.ask("profile", "POST", "/me/deletion", login, scope)).status_code == 403
    headers = {"User-Agent": canary["header"], "baggage": f"user={canary['header']}"}
    answer = await system.ask("profile", "GET", f"/me?{canary['query']}={canary['query']}", login, headers=headers)
    assert answer.status_code == 200


async def _corrected(system: System, login: Login, canary: Canaries) -> Login:
    """Everything is corrected; from then on they log in with another address."""
    address = canary.address("corrected ")
    body: dict[str, JsonValue] = {
        "name": canary["corrected name"],
        "email": canary["corrected email"],
        "phone": canary["corrected phone"],
        "home_address": {"street": address.street, "postal_code": address.postal_code, "city": address.city},
        "date_of_birth": canary["corrected birth_date"],
        "password": canary["password"],
    }
    assert (await system.ask("profile", "PUT", "/me/profile", login, body)).status_code == 204
    return Login(system.portal, canary["corrected email"], canary["password"])


async def _parked(system: System, subject: UUID, login: Login) -> None:
    """An event of theirs that is not as its type promises: it is parked wherever it is read, and what follows behind it."""
    original = await _saved_interest(system, subject)
    headers = [
        (name, str(new_id(SystemClock())).encode() if name == "ce_id" else value) for name, value in original.headers
    ]
    producer = AIOKafkaProducer(bootstrap_servers=system.info.kafka_bootstrap, acks="all")
    await producer.start()
    try:
        body = (original.value or b"").replace(b"{", b'{"unknown":0,', 1)
        await producer.send_and_wait(original.topic, body, key=original.key, headers=headers)
    finally:
        await producer.stop()
    await system.settled()
    await system.portal.save_interest(login, JobInterest(occupation=MATCHED, place="Etsteds"), key=str(uuid4()))


async def _saved_interest(system: System, subject: UUID) -> StoredRecord:
    async for record in every_record(system.info.kafka_bootstrap, {JobInterestSaved.topic.name}):
        ours = record.header("ce_subject") == str(subject).encode()
        if ours and record.header("ce_type") == JobInterestSaved.type.encode():
            return record
    raise LookupError("the person saved no interest")


async def _held_for_a_while(system: System, subject: UUID, canary: Canaries) -> None:
    """An officer holds their mails, for a reason in words, and lets go."""
    body: dict[str, JsonValue] = {
        "subject_id": str(subject),
        "ground": LegalGround.LEGAL_CLAIM,
        "reason": canary["hold"],
        "review_on": (SystemClock().now() + timedelta(days=30)).isoformat(),
        "category": Category.COMMUNICATION,
    }
    async with operating(system.info, officer="privacy-officer") as officer:
        placed = _Placed.model_validate_json(await officer.call("retention", "POST", "/holds", body=body))
        await system.settled()
        await officer.call("retention", "POST", f"/holds/{placed.hold_id}/lift", body={})


async def _copy_waits(system: System, subject: UUID, canary: Canaries) -> str:
    """A copy of their data waits for them: sealed, under a key of its own."""
    archive = base64.b64encode(f"Alt vi vet: {canary['copy']}".encode()).decode()
    async with operating(system.info, officer="privacy-officer") as officer:
        body: dict[str, JsonValue] = {"subject_id": str(subject), "archive": archive}
        return _Opened.model_validate_json(await officer.call("retention", "POST", "/exports", body=body)).token


async def parked_about(system: System, subject: UUID) -> int:
    """How many records that name the person are parked in any service."""
    found = 0
    for database in system.info.databases:
        for row in await system.stored.rows_of(database, "parked", ("subject_ids",)):
            found += subject in row["subject_ids"]
    return found
