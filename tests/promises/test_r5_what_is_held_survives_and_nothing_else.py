"""R5: a special need holds deletion back for exactly the data concerned; when it is lifted, what was due is deleted."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.clock import SystemClock
from chassis.keys import KeyName
from chassis.sealing import unseal
from contracts.personal import Category, SubjectId
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import JsonValue
from tillit_cli.holds import HoldSeen
from tillit_cli.json_resume import JobInterest
from tillit_cli.operator_calls import operating
from tillit_cli.proof.keyring import remaining_keys
from tillit_cli.proof.residue import ResidueProof
from tillit_cli.proof.sealed_blobs import FoundBlob, try_every_key

from .system import JobSeeker, System

GONE = {"user_information", "communication", "website_usage"}


async def as_officer(system: System, path: str, body: dict[str, JsonValue]) -> HoldSeen:
    async with operating(system.info, officer="privacy-officer") as officer:
        return HoldSeen.model_validate_json(await officer.call("retention", "POST", path, body=body))


async def held(system: System, who: JobSeeker, **about: JsonValue) -> UUID:
    body: dict[str, JsonValue] = {
        "subject_id": str(who.subject_id),
        "ground": "17(3)(e)",
        "reason": f"{who.person.name} has claimed damages",
        "review_on": (SystemClock().now() + timedelta(days=90)).isoformat(),
        **about,
    }
    return (await as_officer(system, "/holds", body)).hold_id


async def lift(system: System, hold: UUID) -> None:
    await as_officer(system, f"/holds/{hold}/lift", {})
    await system.settled()


async def keys_and_blobs(system: System, who: JobSeeker) -> tuple[Mapping[KeyName, bytes], list[FoundBlob]]:
    """Every key there is, of everybody, and every sealed blob of this person, wherever it lies."""
    keys = await remaining_keys(system.stored, system.info.kek)
    return keys, await ResidueProof(system.info, who.subject_id, ()).blobs_of(who.subject_id)


async def interests_of(system: System, who: JobSeeker) -> dict[str, UUID]:
    shown = (await system.ask("profile", "GET", "/me/job-interests", who.login)).json()["items"]
    return {one["occupation"]: UUID(one["interest_id"]) for one in shown}


def opened(blob: FoundBlob, keys: Mapping[KeyName, bytes]) -> dict[str, Any]:
    header = blob.header
    return json.loads(unseal(AESGCM(keys[KeyName(SubjectId(header.subject_id), header.category)]), blob.content))


async def test_r5_exactly_what_is_held_stays_readable_and_goes_when_the_hold_is_lifted(system: System) -> None:
    who = await system.job_seeker(
        JobInterest(occupation="Fyrvokter", place="Utsira"), JobInterest(occupation="Lods", place="Ona")
    )
    await system.settled()
    await system.publish("Fyrvokter", "Utsira")
    await system.settled()
    interests = await interests_of(system, who)
    record = next(record for occupation, record in interests.items() if occupation == "Lods")
    mails = await held(system, who, category="communication")
    interest = await held(system, who, holder="profile", table="job_interests", records=[str(record)])
    await system.settled()

    erasure = await system.erased(who, "everything")

    assert set(erasure.categories) >= GONE
    keys, blobs = await keys_and_blobs(system, who)
    living = {name.category for name in keys if name.subject_id == who.subject_id}
    assert living == {Category.RIGHTS_CASE, f"hold:{mails}", f"hold:{interest}"}
    mine = {name: key for name, key in keys.items() if name.category != Category.RIGHTS_CASE}
    readable = try_every_key([blob for blob in blobs if blob.header.category != Category.RIGHTS_CASE], mine).opened
    assert {(blob.where.partition(".")[0], blob.header.category, blob.header.schema) for blob in readable} == {
        ("notifications", f"hold:{mails}", "mails"),
        ("profile", f"hold:{interest}", "job_interests"),
    }
    (kept,) = [opened(blob, keys) for blob in readable if blob.header.category == f"hold:{interest}"]
    assert (kept["interest_id"], kept["words"]["occupation"]) == (str(record), "Lods")
    sent = [opened(blob, keys) for blob in readable if blob.header.category == f"hold:{mails}"]
    assert who.person.email in {mail["mail"]["address"] for mail in sent}
    assert await system.readable_traces(who) == set()

    await lift(system, interest)
    keys, blobs = await keys_and_blobs(system, who)
    assert {blob.header.category for blob in blobs if blob.header.category.startswith("hold:")} >= {f"hold:{mails}"}
    assert f"hold:{interest}" not in {name.category for name in keys}
    await lift(system, mails)
    keys, blobs = await keys_and_blobs(system, who)
    left = {name.category for name in keys if name.subject_id == who.subject_id}
    assert left == {Category.RIGHTS_CASE}
    closed = [blob for blob in blobs if blob.header.category != Category.RIGHTS_CASE]
    assert try_every_key(closed, keys).opened == []
    for database in system.info.databases:
        rows = await system.stored.rows_of(database, "held_records", ("subject_id",))
        assert who.subject_id not in {row["subject_id"] for row in rows}
    (again,) = await system.operator.erasures(who.subject_id)
    assert (again.requested_at, again.done_at) == (erasure.requested_at, erasure.done_at)
