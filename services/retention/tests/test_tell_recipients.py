"""Everybody who got data of a person is told of its erasure, once each; a silent one is chased and holds nothing up."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
import pytest_asyncio
from chassis.clock import monotonic
from chassis.park import park_event
from chassis.records import read
from chassis.replay import Replayed
from chassis.sql import borrow
from chassis.testing.containers import Postgres
from contracts.personal import Category
from contracts.privacy import PersonalDataErased
from contracts.profile import DeletionReason
from contracts.rights import RecipientMailRequested
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from retention_service import send_notice
from retention_service.send_notice import signed_bytes

from chassis import parked

from .recipients_rig import Employer, Endpoint, disclosed, endpoint, told_states
from .rig import HOLDERS, Rig, new_subject, running_api


@pytest_asyncio.fixture
async def open_rig(postgres: Postgres, tmp_path: Path) -> AsyncGenerator[Rig]:
    """A rig that may tell recipients on this machine."""
    async with running_api(postgres, tmp_path, webhooks_to_private=True) as made:
        yield made


@pytest_asyncio.fixture
async def server() -> AsyncGenerator[Endpoint]:
    async with endpoint() as made:
        yield made


async def at_telling(rig: Rig, *employers: Employer) -> UUID:
    """A person of whom these received data, whose erasure has passed the fence."""
    subject = new_subject()
    await rig.make(subject)
    await disclosed(rig, subject, *employers)
    await rig.delete(subject)
    await rig.answer((await rig.requests())[-1])
    await rig.pass_fence(subject)
    await rig.work("tell_recipients")
    return subject


async def test_a_recipient_is_told_under_its_reference_and_the_erasure_goes_on(open_rig: Rig, server: Endpoint) -> None:
    employer = Employer(open_rig, webhook=server.url("/fjell"))
    subject = await at_telling(open_rig, employer)
    assert await open_rig.stage(subject) == "telling"
    await open_rig.work("tell_all")
    assert await open_rig.stage(subject) == "mailing"
    (taken,) = server.taken
    assert taken.notice["kind"] == "erasure"
    assert taken.notice["reminder"] == 0
    assert str(subject) not in taken.body.decode() + json.dumps(taken.headers)
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_a_notice_is_signed_by_the_key_that_the_service_publishes(open_rig: Rig, server: Endpoint) -> None:
    await at_telling(open_rig, Employer(open_rig, webhook=server.url("/fjell")))
    await open_rig.work("tell_all")
    (taken,) = server.taken
    [jwk] = (await open_rig.get("/.well-known/jwks.json")).json()["keys"]
    key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(jwk["x"] + "="))
    signature = urlsafe_b64decode(taken.headers["tillit-signature"] + "==")
    key.verify(signature, signed_bytes(taken.headers["tillit-timestamp"], taken.body))


async def test_a_person_without_disclosures_is_not_held_up(open_rig: Rig) -> None:
    subject = await at_telling(open_rig)
    assert await open_rig.stage(subject) == "mailing"


async def test_recipients_of_what_is_not_erased_are_not_told(open_rig: Rig, server: Endpoint) -> None:
    subject, employer = new_subject(), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.make(subject)
    await open_rig.deliver(employer.registered(), employer.received(subject, category=Category.APPLICATION))
    await open_rig.erase(subject)
    assert server.taken == []
    assert await open_rig.stage(subject) == "done"


@pytest.mark.parametrize("answer", ["500 Broken", "404 Gone", "302 Found\r\nLocation: http://127.0.0.1:1/"])
async def test_a_failed_first_try_lets_the_erasure_go_on_and_is_tried_again(
    open_rig: Rig, server: Endpoint, answer: str
) -> None:
    server.answers["/fjell"] = answer
    subject = await at_telling(open_rig, Employer(open_rig, webhook=server.url("/fjell")))
    await open_rig.work("tell_all")
    assert await open_rig.stage(subject) == "mailing"
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["chased"]}
    del server.answers["/fjell"]
    open_rig.clock.advance(timedelta(minutes=1))
    await open_rig.work("tell_again")
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}
    first, second = server.taken
    assert first.notice == second.notice


async def test_a_recipient_without_a_webhook_is_told_by_mail(open_rig: Rig) -> None:
    subject = await at_telling(open_rig, Employer(open_rig, mail="personvern@fjell.example"))
    await open_rig.work("tell_all")
    assert await open_rig.stage(subject) == "mailing"
    (request,) = await open_rig.published(RecipientMailRequested)
    assert isinstance(request, RecipientMailRequested)
    assert (request.mail, request.reminder) == ("personvern@fjell.example", 0)
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["chased"]}


async def test_a_recipient_that_never_registered_is_chased_until_it_has(open_rig: Rig, server: Endpoint) -> None:
    subject, employer = new_subject(), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.make(subject)
    await open_rig.deliver(employer.received(subject))
    await open_rig.delete(subject)
    await open_rig.answer((await open_rig.requests())[-1])
    await open_rig.without_fence(subject)
    assert await told_states(open_rig, subject) == {None: ["chased"]}
    await open_rig.deliver(employer.registered())
    open_rig.clock.advance(timedelta(minutes=1))
    await open_rig.work("tell_again")
    assert await told_states(open_rig, subject) == {"Fjell sykehus": ["told"]}


async def test_a_second_pass_after_the_erasure_grew_tells_nobody_twice_of_the_same(
    open_rig: Rig, server: Endpoint
) -> None:
    first, second = (Employer(open_rig, name, server.url(f"/{name}")) for name in ("fjell", "dal"))
    subject = new_subject()
    await open_rig.make(subject)
    await open_rig.deliver(first.registered(), second.registered(), first.received(subject))
    await open_rig.deliver(second.received(subject, category=Category.COMMUNICATION))
    for reason in (DeletionReason.TERMINATED, DeletionReason.REQUESTED):
        await open_rig.delete(subject, reason)
        await open_rig.answer((await open_rig.requests())[-1])
        await open_rig.pass_fence(subject)
        await open_rig.work("tell_recipients")
        await open_rig.work("tell_all")
    assert [taken.path for taken in server.taken] == ["/fjell", "/dal"]


async def test_an_employer_that_learned_of_more_is_told_of_all_of_it(open_rig: Rig, server: Endpoint) -> None:
    employer, subject = Employer(open_rig, webhook=server.url("/fjell")), new_subject()
    await open_rig.make(subject)
    await open_rig.deliver(employer.registered(), employer.received(subject, reference="a"))
    await open_rig.deliver(employer.received(subject, category=Category.COMMUNICATION, reference="b"))
    for reason in (DeletionReason.TERMINATED, DeletionReason.REQUESTED):
        await open_rig.delete(subject, reason)
        await open_rig.answer((await open_rig.requests())[-1])
        await open_rig.pass_fence(subject)
        await open_rig.work("tell_recipients")
        await open_rig.work("tell_all")
    told = [cast("list[str]", taken.notice["references"]) for taken in server.taken]
    assert [sorted(references) for references in told] == [["a"], ["a", "b"]]
    assert len({taken.notice["notice_id"] for taken in server.taken}) == 1


async def test_a_person_with_200_employers_of_whom_20_are_silent_is_erased_within_seconds(
    open_rig: Rig, server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_notice, "SECONDS", 2.0)
    employers = [Employer(open_rig, f"arbeidsgiver {n}", server.url(f"/{n}")) for n in range(200)]
    server.silent = {f"/{n}" for n in range(0, 200, 10)}
    subject = await at_telling(open_rig, *employers)
    began = monotonic()
    await open_rig.work("tell_all")
    took = monotonic() - began
    assert await open_rig.stage(subject) == "mailing"
    assert len({taken.path for taken in server.taken}) == len(server.taken) == 180
    states = await told_states(open_rig, subject)
    assert sorted(state for (state,) in states.values()) == ["chased"] * 20 + ["told"] * 180
    assert {name for name, state in states.items() if state == ["chased"]} == {
        f"arbeidsgiver {path[1:]}" for path in server.silent
    }
    assert server.most_at_once <= send_notice.AT_ONCE
    assert took < 15


async def test_the_keys_do_not_wait_for_an_answer(open_rig: Rig, server: Endpoint) -> None:
    subject = await at_telling(open_rig, Employer(open_rig, webhook=server.url("/fjell")))
    await open_rig.work("tell_all")
    await open_rig.behind_the_fence()
    assert await open_rig.stage(subject) == "done"
    assert await open_rig.key("profile", subject, "user_information") is None


@pytest.mark.parametrize("stage", ["telling", "mailing", "done"])
async def test_who_comes_to_light_after_the_others_were_told_is_told_too(
    open_rig: Rig, server: Endpoint, stage: str
) -> None:
    first, late = (Employer(open_rig, name, server.url(f"/{name}")) for name in ("fjell", "dal"))
    subject = await at_telling(open_rig, first)
    if stage != "telling":
        await open_rig.work("tell_all")
    if stage == "done":
        await open_rig.behind_the_fence()
    assert await open_rig.stage(subject) == stage
    await disclosed(open_rig, subject, late)
    await open_rig.work("tell_recipients")
    await open_rig.work("tell_all")
    assert [taken.path for taken in sorted(server.taken, key=lambda taken: taken.path)] == ["/dal", "/fjell"]
    assert await told_states(open_rig, subject) == {"fjell": ["told"], "dal": ["told"]}
    assert await open_rig.stage(subject) == ("done" if stage == "done" else "mailing")


async def test_who_comes_to_light_late_with_what_is_not_erased_is_not_told(open_rig: Rig, server: Endpoint) -> None:
    subject, late = await at_telling(open_rig), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.deliver(late.registered(), late.received(subject, category=Category.APPLICATION))
    await open_rig.work("tell_recipients")
    await open_rig.work("tell_all")
    assert server.taken == []


async def test_a_disclosure_that_was_parked_outlives_the_erasure_and_its_recipient_is_told(
    open_rig: Rig, server: Endpoint
) -> None:
    subject, employer = new_subject(), Employer(open_rig, webhook=server.url("/fjell"))
    await open_rig.make(subject)
    await open_rig.deliver(employer.registered())
    record = open_rig.record(employer.received(subject))
    async with borrow(open_rig.service.database.pool) as connection:
        await parked.insert(connection, [park_event(read(record), "it failed")], open_rig.clock.now())
    await open_rig.delete(subject)
    request = (await open_rig.requests())[-1]
    await open_rig.deliver(request)
    await open_rig.answer(request, [holder for holder in HOLDERS if holder != "retention"])
    await open_rig.deliver(*await open_rig.published(PersonalDataErased))
    await open_rig.without_fence(subject)
    assert await open_rig.stage(subject) == "done"
    assert await open_rig.service.replayer.replay(record.topic, str(subject)) == Replayed(1)
    await open_rig.work("tell_recipients")
    await open_rig.work("tell_all")
    assert [taken.path for taken in server.taken] == ["/fjell"]


async def test_what_and_why_stand_sealed_in_the_register(open_rig: Rig) -> None:
    subject = new_subject()
    await open_rig.make(subject)
    await disclosed(open_rig, subject, Employer(open_rig, mail="post@fjell.example"))
    async with borrow(open_rig.service.database.pool) as connection:
        row = await connection.fetchrow("SELECT what, disclosures::text AS all FROM disclosures")
    assert row is not None
    assert b"Sykepleier" not in row["what"]
    assert "Sykepleier" not in row["all"]


async def test_a_recipient_whose_address_can_not_be_asked_holds_up_nobodys_erasure(
    open_rig: Rig, server: Endpoint
) -> None:
    odd, fjell = Employer(open_rig, "jobbsøk", "http://jobbsøk.invalid/"), Employer(open_rig, webhook=server.url("/f"))
    kept_before = Employer(open_rig, "from before addresses were checked", server.url("/g"))
    subject = new_subject()
    await open_rig.make(subject)
    await disclosed(open_rig, subject, odd, fjell, kept_before)
    async with borrow(open_rig.service.database.pool) as connection:
        await connection.execute(
            "UPDATE recipients SET webhook = webhook || chr(1) WHERE recipient_id = $1", kept_before.recipient_id
        )
    await open_rig.delete(subject)
    await open_rig.answer((await open_rig.requests())[-1])
    await open_rig.pass_fence(subject)
    await open_rig.work("tell_recipients")
    await open_rig.work("tell_all")
    assert await open_rig.stage(subject) == "mailing"
    assert [taken.path for taken in server.taken] == ["/f"]
    states = await told_states(open_rig, subject)
    assert (states["Fjell sykehus"], states["jobbsøk"]) == (["told"], ["chased"])
