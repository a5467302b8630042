"""S4: a disclosure is recorded and shown to its person; the recipient is told of correction, restriction and erasure."""

import json
import re
import secrets
from collections.abc import AsyncGenerator
from uuid import uuid4

import pytest
import pytest_asyncio
from contracts.receipt_files import check_receipt
from contracts.receipt_keys import read_receipt_keys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tillit_cli.log import is_signed
from tillit_cli.receipt import awaited, public_keys

from .recipients import (
    FIELDS,
    WHY,
    Outside,
    Recipient,
    Taken,
    disclosed,
    outside_world,
    padded,
    restricted,
    states,
    told,
)
from .system import SECONDS, JobSeeker, System

NOT_CERTAIN = "er kanskje ikke nådd ennå, vi prøver igjen"


@pytest_asyncio.fixture
async def outside() -> AsyncGenerator[Outside]:
    async with outside_world() as made:
        yield made


async def test_s4_who_received_data_is_named_to_the_person_and_told_of_the_erasure_under_a_reference(
    system: System, outside: Outside
) -> None:
    acts = Recipient("Fjell sykehus", webhook=outside.url("/acts"), key=outside.key)
    silent = Recipient("Stille AS", webhook=outside.url("/silent"))
    mailed = Recipient("Dal kommune", mail=f"personvern-{secrets.token_hex(8)}@dal.example")
    who, other = await system.job_seeker(), await system.job_seeker()
    await disclosed(system, who.subject_id, acts, silent, mailed)

    shown = (await system.ask("retention", "GET", "/me/recipients", who.login)).json()["items"]
    assert {one["name"] for one in shown} == {acts.name, silent.name, mailed.name}
    assert {(tuple(one["fields"]), one["why"], one["category"]) for one in shown} == {(FIELDS, WHY, "user_information")}
    assert all(one["disclosed_at"] and one["notices"] == [] for one in shown)
    assert (await system.ask("retention", "GET", "/me/recipients", other.login)).json()["items"] == []

    await system.erased(who, "everything")

    await told(system, who.subject_id, mailed, "erasure", "told")
    assert await states(system, who.subject_id) == {
        acts.name: [("erasure", "acknowledged")],
        silent.name: [("erasure", "chased")],
        mailed.name: [("erasure", "told")],
    }
    await _told_under_its_reference(system, outside.taken_at("/acts"), acts, who)
    await _told_under_its_reference(system, outside.taken_at("/silent"), silent, who)
    (mail,) = await system.mails_to(mailed.mail or "")
    assert mailed.reference in mail
    assert _says_nothing_of(who, mail)

    number, lines = await _last_mail(system, who)
    assert (lines[acts.name], lines[silent.name]) == ("har bekreftet", NOT_CERTAIN)
    assert lines[mailed.name] in {NOT_CERTAIN, "har fått beskjed"}  # whichever mail went out first
    retention = system.info.services["retention"]
    receipt = await awaited(retention, number, seconds=SECONDS)
    counts = check_receipt(receipt, read_receipt_keys(await public_keys(retention)), is_signed).receipt.body.recipients
    assert (counts.told + counts.unresponsive, counts.acknowledged) == (3, 1)
    assert counts.told >= 1


async def test_s4_a_recipient_is_told_that_details_were_corrected_and_not_what_they_are(
    system: System, outside: Outside
) -> None:
    acts = Recipient("Fjell sykehus", webhook=outside.url("/acts"), key=outside.key)
    who = await system.job_seeker()
    await disclosed(system, who.subject_id, acts)
    corrected = f"Rettet {secrets.token_hex(8)}"
    form = {"name": corrected, "email": who.person.email, "password": who.login.password}
    assert (await system.ask("profile", "PUT", "/me/profile", who.login, {**form})).status_code == 204

    await told(system, who.subject_id, acts, "correction", "acknowledged")

    (taken,) = outside.taken
    assert json.loads(taken.body)["kind"] == "correction"
    assert json.loads(taken.body)["references"] == [acts.reference]
    assert corrected not in taken.body.decode()
    assert _says_nothing_of(who, taken.body.decode())
    ((shown,),) = [
        one["notices"] for one in (await system.ask("retention", "GET", "/me/recipients", who.login)).json()["items"]
    ]
    assert (shown["kind"], shown["state"]) == ("correction", "acknowledged")
    assert shown["told_at"] is not None


async def test_s4_a_recipient_is_told_once_that_data_may_not_be_used_for_now(system: System, outside: Outside) -> None:
    acts = Recipient("Fjell sykehus", webhook=outside.url("/acts"), key=outside.key)
    mailed = Recipient("Dal kommune", mail=f"personvern-{secrets.token_hex(8)}@dal.example")
    who, restriction = await system.job_seeker(), uuid4()
    await disclosed(system, who.subject_id, acts, mailed)

    for _ in range(2):
        await restricted(system, who.subject_id, restriction)

    await told(system, who.subject_id, acts, "restriction", "acknowledged")
    await told(system, who.subject_id, mailed, "restriction", "told")
    (taken,) = outside.taken
    assert (json.loads(taken.body)["kind"], json.loads(taken.body)["references"]) == ("restriction", [acts.reference])
    (mail,) = await system.mails_to(mailed.mail or "")
    assert mailed.reference in mail
    assert all(_says_nothing_of(who, text) for text in (mail, taken.body.decode()))
    shown = (await system.ask("retention", "GET", "/me/recipients", who.login)).json()["items"]
    assert {one["name"]: [notice["kind"] for notice in one["notices"]] for one in shown} == {
        acts.name: ["restriction"],
        mailed.name: ["restriction"],
    }


async def _told_under_its_reference(system: System, taken: list[Taken], recipient: Recipient, who: JobSeeker) -> None:
    """The same notice, however often it came; nobody is named, and retention signed it."""
    assert len({json.loads(one.body)["notice_id"] for one in taken}) == 1
    [jwk] = (await system.ask("retention", "GET", "/.well-known/jwks.json")).json()["keys"]
    key = Ed25519PublicKey.from_public_bytes(padded(jwk["x"]))
    for one in taken:
        notice = json.loads(one.body)
        assert (notice["kind"], notice["references"], notice["reminder"]) == ("erasure", [recipient.reference], 0)
        assert _says_nothing_of(who, one.body.decode() + json.dumps(dict(one.headers)))
        signature = padded(one.headers["tillit-signature"])
        domain = f"tillit notice v1\n{one.headers['tillit-timestamp']}\n".encode()
        key.verify(signature, domain + one.body)
        with pytest.raises(InvalidSignature):
            key.verify(signature, domain + one.body.replace(b"erasure", b"mistake"))


def _says_nothing_of(who: JobSeeker, text: str) -> bool:
    return not any(secret in text for secret in (str(who.subject_id), who.person.name, who.person.email))


async def _last_mail(system: System, who: JobSeeker) -> tuple[str, dict[str, str]]:
    """The receipt's number, and what it says of each recipient."""
    (last,) = [mail for mail in await system.mails_to(who.person.email) if "/receipts/" in mail]
    (number,) = re.findall(r"/receipts/([\w-]{43})", last)
    return number, dict(re.findall(r"^  - (.+): (.+)$", last, re.MULTILINE))
