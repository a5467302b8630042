"""What is held survives its person's erasure, exactly that and nothing else, under the hold's own key (R5, trap 48)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from chassis.errors import KeyringUnavailable
from chassis.hold_back import held_here, key_of
from chassis.holder_replies import states
from chassis.keys import LOG_KEY
from chassis.records import Record, join, parse, read
from chassis.sealing import unseal
from chassis.sql import borrow
from contracts.personal import Category, SubjectId
from contracts.privacy import (
    ErasureRequested,
    HeldRecords,
    Hold,
    HoldLifted,
    HoldPlaced,
    LegalGround,
    PersonalDataErased,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chassis import held_records, housekeeping, known_holds, outbox

from .claims import claimed
from .town import AT, HOLDER, NAME, PROFILE_ONLY, Town, corrected, erased, erasure, saved

REVIEW = AT + timedelta(days=90)


def hold(**about: Any) -> Hold:
    return Hold(hold_id=uuid4(), ground=LegalGround.LEGAL_CLAIM, review_on=REVIEW, **about)


async def place(town: Town, subject: SubjectId, *holds: Hold) -> None:
    """As retention does: the key is made with the hold, and everybody is told."""
    for one in holds:
        town.keyring.make(subject, [key_of(subject, one.hold_id).category])
        await town.say(HoldPlaced(subject_id=subject, hold=one, placed_at=AT))


async def lift(town: Town, subject: SubjectId, one: Hold) -> None:
    """The key is destroyed before anybody is told."""
    town.keyring.destroy(subject, [key_of(subject, one.hold_id).category])
    await town.say(HoldLifted(subject_id=subject, hold_id=one.hold_id, lifted_at=AT))


async def somebody(town: Town) -> tuple[SubjectId, list[UUID], list[UUID]]:
    """Two interests and two letters, with the ids of their rows."""
    subject = town.person()
    await town.say(saved(subject, 1, "fyrvokter"), saved(subject, 2, "sykepleier"))
    letters = [uuid4(), uuid4()]
    async with town.service.database.transaction([subject]) as tx:
        for letter in letters:
            await tx.execute("INSERT INTO letters (letter_id, subject_id) VALUES ($1, $2)", letter, subject)
        rows = await tx.fetch("SELECT event_id FROM kept WHERE subject_id = $1 ORDER BY place", subject)
    return subject, [row["event_id"] for row in rows], letters


async def erase(town: Town, request: ErasureRequested) -> PersonalDataErased:
    """Have it erased, and the keys of what was erased destroyed, as an erasure ends."""
    records = await town.say(request)
    assert await town.parked(records) == []
    answer = (await replies(town, request.subject_id))[-1]
    town.keyring.destroy(request.subject_id, request.categories)
    await town.say(erased(request.subject_id, request.categories))
    return answer


async def replies(town: Town, subject: SubjectId) -> list[PersonalDataErased]:
    async with borrow(town.service.database.pool) as connection:
        rows = await outbox.due(connection, 10_000)
    keys = await town.service.keys.fetch([LOG_KEY])
    found: list[PersonalDataErased] = []
    for row in rows:
        if row.key == str(subject) and row.topic == PersonalDataErased.topic.name:
            incoming = read(Record(row.topic, 0, 0, row.key.encode(), row.headers, row.body))
            event = join(incoming, PersonalDataErased, parse(incoming, PersonalDataErased), keys)
            found.append(cast("PersonalDataErased", event))
    return found


async def readable(town: Town, subject: SubjectId, one: Hold) -> list[dict[str, Any]]:
    """What whoever has this hold's key can read."""
    async with borrow(town.service.database.pool) as connection:
        rows = await held_records.of_hold(connection, one.hold_id)
    keys = town.keyring.key_set([key_of(subject, one.hold_id)])
    key = keys.need(key_of(subject, one.hold_id))
    return [json.loads(unseal(key, row.content)) for row in rows]


async def stay(town: Town, subject: SubjectId) -> dict[UUID, int]:
    async with borrow(town.service.database.pool) as connection:
        found = await held_here(connection, subject)
        assert sum((await held_records.count(connection, subject)).values()) == sum(found.values())
        assert await HOLDER.residue(connection, subject, sorted(Category)) == {}
    return found


def summary(held: Sequence[HeldRecords]) -> list[tuple[UUID, Category, int]]:
    return [(one.hold_id, one.category, one.records) for one in held]


async def test_a_held_category_survives_under_the_holds_key_and_the_rest_is_erased(town: Town) -> None:
    subject, kept, _ = await somebody(town)
    one = hold(category=Category.USER_INFORMATION)
    await place(town, subject, one)
    answer = await erase(town, erasure(subject))
    assert answer.rows_by_category == {Category.USER_INFORMATION: 2, Category.COMMUNICATION: 2}
    assert answer.held == (
        HeldRecords(
            hold_id=one.hold_id,
            category=Category.USER_INFORMATION,
            ground=LegalGround.LEGAL_CLAIM,
            review_on=REVIEW,
            records=2,
        ),
    )
    assert await town.kept(subject) == []
    rows = await readable(town, subject, one)
    assert [(row["event_id"], row["number"], row["details"]) for row in rows] == [
        (str(kept[0]), 1, {"occupation": "fyrvokter"}),
        (str(kept[1]), 2, {"occupation": "sykepleier"}),
    ]
    assert await stay(town, subject) == {one.hold_id: 2}


async def test_a_held_record_is_readable_with_the_key_of_its_hold_only(town: Town) -> None:
    subject, kept, _ = await somebody(town)
    one, other = hold(table="kept", records=(kept[0],)), hold(table="kept", records=(kept[1],))
    await place(town, subject, one, other)
    await erase(town, erasure(subject))
    async with borrow(town.service.database.pool) as connection:
        (row,) = await held_records.of_hold(connection, one.hold_id)
        everything = await connection.fetchval("SELECT string_agg(h::text, '') FROM held_records AS h")
    own = [town.keyring.key(subject, category) for category in Category]
    assert own[:2] == [None, None]
    assert b"fyrvokter" not in row.content
    assert "fyrvokter" not in everything
    assert [held["details"] for held in await readable(town, subject, other)] == [{"occupation": "sykepleier"}]


async def test_a_hold_on_a_single_record_holds_no_other_of_the_person_or_anybody(town: Town) -> None:
    subject, kept, letters = await somebody(town)
    neighbour, _, theirs = await somebody(town)
    one = hold(holder=NAME, table="letters", records=(letters[1], theirs[0]))
    await place(town, subject, one)
    for person in (subject, neighbour):
        await erase(town, erasure(person))
    assert [row["letter_id"] for row in await readable(town, subject, one)] == [str(letters[1])]
    assert await stay(town, subject) == {one.hold_id: 1}
    assert await stay(town, neighbour) == {}
    assert kept


ELSEWHERE: dict[str, dict[str, Any]] = {
    "another holder": {"holder": "profile"},
    "another table": {"holder": NAME, "table": "diaries"},
    "a category that is not erased": {"category": Category.RIGHTS_CASE},
    "a record that is not there": {"holder": NAME, "table": "kept", "records": (UUID(int=1),)},
}


@pytest.mark.parametrize("about", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_hold_on_something_else_holds_nothing_here(town: Town, about: dict[str, Any]) -> None:
    subject, _, _ = await somebody(town)
    await place(town, subject, hold(**about))
    assert (await erase(town, erasure(subject))).held == ()
    assert await stay(town, subject) == {}


async def test_what_was_due_goes_at_once_when_the_hold_is_lifted(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    await place(town, subject, one)
    await erase(town, erasure(subject))
    assert await stay(town, subject) == {one.hold_id: 4}
    await town.service.keys.pull_destroyed()
    await lift(town, subject, one)
    assert await stay(town, subject) == {}
    await town.service.keys.pull_destroyed()
    assert (await town.service.keys.fetch([key_of(subject, one.hold_id)])).keys == {}
    assert await town.kept(subject) == []


async def test_a_lift_before_any_erasure_touches_nothing_and_holds_nothing_later(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    await place(town, subject, one)
    await lift(town, subject, one)
    assert await town.kept(subject) == [1, 2]
    assert (await erase(town, erasure(subject))).held == ()
    assert await stay(town, subject) == {}


async def test_a_record_under_two_holds_stays_until_the_last_is_lifted(town: Town) -> None:
    subject, kept, _ = await somebody(town)
    whole, single = hold(category=Category.USER_INFORMATION), hold(table="kept", records=(kept[0],))
    await place(town, subject, whole, single)
    answer = await erase(town, erasure(subject))
    assert sorted(summary(answer.held)) == sorted(
        [(whole.hold_id, Category.USER_INFORMATION, 2), (single.hold_id, Category.USER_INFORMATION, 1)]
    )
    await lift(town, subject, whole)
    assert [row["event_id"] for row in await readable(town, subject, single)] == [str(kept[0])]
    await lift(town, subject, single)
    assert await stay(town, subject) == {}


async def test_a_hold_that_only_the_request_names_holds_and_can_be_lifted(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold(category=Category.COMMUNICATION)
    town.keyring.make(subject, [key_of(subject, one.hold_id).category])
    request = erasure(subject).model_copy(update={"holds": (one,)})
    assert summary((await erase(town, request)).held) == [(one.hold_id, Category.COMMUNICATION, 2)]
    await lift(town, subject, one)
    assert await stay(town, subject) == {}


async def test_a_hold_that_was_lifted_holds_nothing_though_a_request_still_names_it(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    town.keyring.make(subject, [key_of(subject, one.hold_id).category])
    await town.say(HoldLifted(subject_id=subject, hold_id=one.hold_id, lifted_at=AT))
    request = erasure(subject).model_copy(update={"holds": (one,)})
    assert (await erase(town, request)).held == ()
    assert await stay(town, subject) == {}


async def test_asked_again_a_holder_names_what_it_holds_again_and_holds_it_once(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold(category=Category.USER_INFORMATION)
    await place(town, subject, one)
    request = erasure(subject)
    await town.say(request)
    await town.say(request)
    first, second = await replies(town, subject)
    assert first.held == second.held
    assert (first.rows["kept"], second.rows["kept"]) == (2, 0)
    assert await stay(town, subject) == {one.hold_id: 2}


async def test_a_wider_erasure_adds_what_it_erases_to_what_is_held(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    await place(town, subject, one)
    first = await erase(town, erasure(subject, PROFILE_ONLY))
    second = await erase(town, erasure(subject))
    assert summary(first.held) == [(one.hold_id, Category.USER_INFORMATION, 2)]
    assert sorted(summary(second.held)) == [
        (one.hold_id, Category.COMMUNICATION, 2),
        (one.hold_id, Category.USER_INFORMATION, 2),
    ]


async def test_what_is_held_is_in_the_signed_statement_of_the_receipt(town: Town) -> None:
    subject, _, _ = await somebody(town)
    await place(town, subject, hold())
    request = erasure(subject).model_copy(update={"receipt": "number"})
    answer = await erase(town, request)
    own = load_pem_private_key(town.service.settings.service_key(), password=None)
    assert isinstance(own, Ed25519PrivateKey)
    assert states("number", answer, own.public_key())
    assert not states("number", answer.model_copy(update={"held": ()}), own.public_key())


async def test_without_the_keyring_an_erasure_with_a_hold_waits_and_changes_nothing(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    await place(town, subject, one)
    request = town.record(erasure(subject))
    town.keyring.unavailable = True
    with pytest.raises(KeyringUnavailable):
        await town.take_in(request)
    assert await town.kept(subject) == [1, 2]
    assert await replies(town, subject) == []
    town.keyring.unavailable = False
    await town.take_in(request)
    assert await stay(town, subject) == {one.hold_id: 4}


async def test_without_a_hold_an_erasure_needs_no_keyring(town: Town) -> None:
    subject, _, _ = await somebody(town)
    await town.service.keys.fetch([LOG_KEY])
    request = town.record(erasure(subject))
    town.keyring.unavailable = True
    await town.take_in(request)
    town.keyring.unavailable = False
    assert await town.kept(subject) == []


async def test_a_hold_that_came_after_the_keys_were_fetched_is_not_passed_over(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    town.keyring.make(subject, [key_of(subject, one.hold_id).category])
    request = erasure(subject).model_copy(update={"holds": (one,)})
    with pytest.raises(KeyringUnavailable, match="a hold came"):
        async with town.service.database.transaction([subject], keys=[LOG_KEY]) as tx:
            await HOLDER.erase(request, tx)
    assert await town.kept(subject) == [1, 2]


async def test_nothing_brings_held_data_back_into_use(town: Town) -> None:
    subject, _, _ = await somebody(town)
    await place(town, subject, hold())
    late = town.sealed(corrected(subject))
    await erase(town, erasure(subject))
    await town.take_in(town.record(late))
    assert await town.kept(subject) == []


async def test_a_tombstone_and_a_hold_stand_as_long_as_the_hold_and_go_after_their_window(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    await place(town, subject, one)
    await erase(town, erasure(subject))
    town.clock.advance(timedelta(days=200))
    await housekeeping.sweep(town.service, await claimed(town))
    async with town.service.database.transaction([subject], keys=()) as tx:
        assert tx.state(subject).is_erased(Category.USER_INFORMATION)
    assert len(await readable(town, subject, one)) == 4
    await lift(town, subject, one)
    town.clock.advance(timedelta(days=91))
    await housekeeping.sweep(town.service, await claimed(town))
    async with borrow(town.service.database.pool) as connection:
        assert await known_holds.in_force(connection, [subject]) == {}
        assert await connection.fetchval("SELECT count(*) FROM known_holds WHERE subject_id = $1", subject) == 0


async def test_a_review_moves_the_date_of_a_hold_and_does_not_revive_a_lifted_one(town: Town) -> None:
    subject, _, _ = await somebody(town)
    one = hold()
    await place(town, subject, one)
    later = one.model_copy(update={"review_on": REVIEW + timedelta(days=30)})
    await place(town, subject, later)
    async with borrow(town.service.database.pool) as connection:
        assert await known_holds.in_force(connection, [subject]) == {subject: [later]}
    await lift(town, subject, one)
    await town.say(HoldPlaced(subject_id=subject, hold=later, placed_at=AT))
    async with borrow(town.service.database.pool) as connection:
        assert await known_holds.in_force(connection, [subject]) == {}


async def test_a_damaged_row_under_a_hold_parks_its_own_persons_erasure_and_stops_nobody_elses(town: Town) -> None:
    subject, _, _ = await somebody(town)
    neighbour, _, _ = await somebody(town)
    await place(town, subject, hold(category=Category.USER_INFORMATION))
    async with town.service.database.transaction([subject], keys=()) as tx:
        await tx.execute("UPDATE kept SET details = $2 WHERE subject_id = $1", subject, b"damaged")
    records = await town.say(erasure(subject), erasure(neighbour))
    assert len(await town.parked(records)) == 1
    assert await town.kept(subject) == [1, 2]
    assert await town.kept(neighbour) == []
