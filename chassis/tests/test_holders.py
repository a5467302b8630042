"""A holder erases what it declared, in one transaction, and answers for it, signed; residue finds what is left."""

import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from chassis.holder_replies import is_signed_by, sign_answer, sign_reply, states
from chassis.holders import Holder, digest
from chassis.keys import LOG_KEY
from chassis.personal_tables import PersonalTable
from chassis.records import Record, join, parse, read
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.sql import borrow
from chassis.testing import KeyringServer, Postgres, deliver, open_service
from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.privacy import ErasureRequested, HolderRegistered, PersonalDataErased
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chassis import outbox

from .town import (
    AT,
    CATEGORIES,
    HOLDER,
    MIGRATIONS,
    NAME,
    POISON,
    PROFILE_ONLY,
    Town,
    deletion,
    erasure,
    removed,
    saved,
)

KEY = Ed25519PrivateKey.generate()
MIXED = Holder(
    "notifications",
    tables=tuple(
        PersonalTable("kept", category, "subject_id", "R0", other=("place",), category_column="event_type")
        for category in (Category.USER_INFORMATION, Category.COMMUNICATION)
    ),
)


async def somebody_with_rows(town: Town) -> SubjectId:
    """Three rows of the profile, two letters, one piece of work of each kind, one parked event."""
    subject = town.person()
    await town.say(saved(subject, 1), removed(subject, 2), saved(subject, 3), saved(subject, 4, POISON))
    async with town.service.database.transaction([subject]) as tx:
        for _ in range(2):
            await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
        tx.enqueue("tell", f"{subject}", subject=subject)
        tx.enqueue("last mail", f"{subject}", subject=subject)
    return subject


async def reply_to(town: Town, request: ErasureRequested) -> PersonalDataErased:
    """The holder's answer, as it waits to be sent."""
    async with borrow(town.service.database.pool) as connection:
        rows = await outbox.due(connection, 10_000)
    [row] = [row for row in rows if row.key == request.key and row.topic == PersonalDataErased.topic.name]
    incoming = read(Record(row.topic, 0, 0, row.key.encode(), row.headers, row.body))
    event = join(
        incoming, PersonalDataErased, parse(incoming, PersonalDataErased), await town.service.keys.fetch([LOG_KEY])
    )
    assert isinstance(event, PersonalDataErased)
    return event


async def residue(town: Town, subject: SubjectId, holder: Holder = HOLDER) -> dict[str, int]:
    async with borrow(town.service.database.pool) as connection:
        return await holder.residue(connection, subject, sorted(CATEGORIES))


async def test_an_erasure_counts_what_it_erased_and_answers_signed(town: Town) -> None:
    subject, neighbour = await somebody_with_rows(town), await somebody_with_rows(town)
    request = erasure(subject)
    await town.say(request)
    reply = await reply_to(town, request)
    assert reply.rows == {"kept": 3, "letters": 2, "work": 1, "parked": 1, "idempotency_keys": 0}
    assert (reply.subject_id, reply.erasure_id, reply.nonce) == (subject, request.erasure_id, request.nonce)
    assert (reply.holder, reply.erased_at) == ("notifications", town.clock.now())
    own = load_pem_private_key(town.service.settings.service_key(), password=None)
    assert isinstance(own, Ed25519PrivateKey)
    assert is_signed_by(reply, own.public_key())
    assert reply.rows_by_category == {Category.USER_INFORMATION: 3, Category.COMMUNICATION: 2}
    assert states(request.receipt, reply, own.public_key())
    assert await residue(town, subject) == {}
    assert await residue(town, neighbour) == {"kept": 3, "letters": 2}


async def test_an_erasure_of_one_category_leaves_the_others(town: Town) -> None:
    subject = await somebody_with_rows(town)
    request = erasure(subject, PROFILE_ONLY)
    await town.say(request)
    assert (await reply_to(town, request)).rows == {"kept": 3, "work": 1, "parked": 1, "idempotency_keys": 0}
    assert await residue(town, subject) == {"letters": 2}
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert tx.state(subject).erased == {Category.USER_INFORMATION}


async def test_an_erasure_that_fails_half_way_erases_and_answers_nothing(town: Town) -> None:
    subject = await somebody_with_rows(town)

    async def fail(event: Event, tx: object) -> None:
        raise LookupError

    town.disturb = fail
    records = await town.say(erasure(subject))
    town.disturb = None
    assert len(await town.parked(records)) == 1
    assert await residue(town, subject) == {"kept": 3, "letters": 2}
    assert "personal.data.erased.v1" not in await town.published(subject)
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert tx.state(subject).erased == frozenset()


async def test_who_holds_nothing_answers_nothing_erased_and_remembers(town: Town) -> None:
    stranger = SubjectId(uuid4())
    request = erasure(stranger)
    await town.say(deletion(stranger))
    await town.say(request)
    assert set((await reply_to(town, request)).rows.values()) == {0}
    town.keyring.make(stranger, CATEGORIES)
    await town.say(removed(stranger, 1))
    assert await town.kept(stranger) == []


async def test_residue_finds_a_row_that_was_left_or_came_back(town: Town) -> None:
    subject = town.person()
    await town.say(erasure(subject))
    assert await residue(town, subject) == {}
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), subject)
    assert await residue(town, subject) == {"letters": 1}


async def test_rows_of_several_categories_in_one_table_are_told_apart(town: Town) -> None:
    subject = town.person()
    async with town.service.database.transaction([subject]) as tx:
        for category, many in ((Category.USER_INFORMATION, 2), (Category.COMMUNICATION, 3)):
            for _ in range(many):
                await tx.execute(
                    "INSERT INTO kept (event_id, event_type, subject_id, number) VALUES ($1, $2, $3, 0)",
                    uuid4(),
                    category,
                    subject,
                )
        assert await MIXED.residue(tx.connection, subject, [Category.COMMUNICATION]) == {"kept": 3}
        await MIXED.erase(erasure(subject, PROFILE_ONLY), tx)
        assert await MIXED.residue(tx.connection, subject, sorted(CATEGORIES)) == {"kept": 3}


Alteration = Callable[[PersonalDataErased], PersonalDataErased]
ALTERATIONS: dict[str, Alteration] = {
    "another person": lambda reply: reply.model_copy(update={"subject_id": SubjectId(uuid4())}),
    "another request": lambda reply: reply.model_copy(update={"erasure_id": uuid4()}),
    "another nonce": lambda reply: reply.model_copy(update={"nonce": reply.nonce + " "}),
    "another holder": lambda reply: reply.model_copy(update={"holder": "retention"}),
    "another count": lambda reply: reply.model_copy(update={"rows": {"kept": 4}}),
    "another table": lambda reply: reply.model_copy(update={"rows": {"letters": 3}}),
    "one table more": lambda reply: reply.model_copy(update={"rows": {"kept": 3, "letters": 0}}),
    "another time": lambda reply: reply.model_copy(update={"erased_at": AT + timedelta(microseconds=1)}),
    "no signature": lambda reply: reply.model_copy(update={"signature": ""}),
    "no base64": lambda reply: reply.model_copy(update={"signature": "å!"}),
    "another signature": lambda reply: sign_reply(reply, Ed25519PrivateKey.generate()),
}


def reply() -> PersonalDataErased:
    return sign_reply(
        PersonalDataErased(
            subject_id=SubjectId(uuid4()),
            erasure_id=uuid4(),
            nonce="a nonce",
            holder="notifications",
            rows={"kept": 3},
            erased_at=AT,
            signature="",
        ),
        KEY,
    )


def test_a_reply_is_known_by_its_signature_however_its_counts_are_ordered() -> None:
    signed = sign_reply(reply().model_copy(update={"rows": {"a": 1, "b": 2}}), KEY)
    assert is_signed_by(signed, KEY.public_key())
    assert is_signed_by(signed.model_copy(update={"rows": {"b": 2, "a": 1}}), KEY.public_key())


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS)
def test_an_altered_reply_is_refused(alter: Alteration) -> None:
    signed = reply()
    assert is_signed_by(signed, KEY.public_key())
    assert not is_signed_by(alter(signed), KEY.public_key())


def test_a_statement_is_bound_to_its_receipt_and_to_what_it_counts() -> None:
    signed = sign_answer("number", reply(), KEY)
    assert is_signed_by(signed, KEY.public_key())
    assert states("number", signed, KEY.public_key())
    assert not states("another", signed, KEY.public_key())
    counted = signed.model_copy(update={"rows_by_category": {Category.COMMUNICATION: 1}})
    assert not states("number", counted, KEY.public_key())
    assert not states("number", signed, Ed25519PrivateKey.generate().public_key())
    assert not states("number", signed.model_copy(update={"statement_signature": "å!"}), KEY.public_key())


async def test_a_registration_that_says_the_same_later_need_not_be_repeated(town: Town) -> None:
    async with town.service.database.transaction(keys=()) as tx:
        first = HOLDER.registration(town.service.groups(), tx)
        town.clock.advance(timedelta(days=1))
        second = HOLDER.registration(town.service.groups(), tx)
        fewer = HOLDER.registration(town.service.groups()[1:], tx)
    assert isinstance(first, HolderRegistered)
    assert first != second
    assert digest(first) == digest(second) != digest(fewer)
    assert [(table.table, table.category) for table in first.tables] == [
        ("kept", Category.USER_INFORMATION),
        ("letters", Category.COMMUNICATION),
    ]


async def test_a_holder_that_declares_nothing_on_erasure_requests_erases_and_answers(
    postgres: Postgres, keyring: KeyringServer
) -> None:
    def build(settings: ServiceSettings) -> Service:
        return Service(NAME, settings, holder=HOLDER, key_categories=CATEGORIES, migrations=MIGRATIONS)

    gone = SubjectId(uuid4())
    async with open_service(build, ServiceSettings, postgres, keyring) as service:
        async with borrow(service.database.pool) as connection:
            await connection.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", uuid4(), gone)
        await deliver(service, ErasureRequested.topic, [erasure(gone)])
        async with borrow(service.database.pool) as connection:
            assert await connection.fetchval("SELECT count(*) FROM letters") == 0
            [answer] = await outbox.due(connection, 10)
    assert json.loads(answer.body)["rows"]["letters"] == 1
