"""Whatever stands on a topic, nothing is lost, nothing else is delayed, and what can't be taken in is parked unreadable."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from chassis.parked import ParkedRow
from chassis.records import EventTooLarge
from chassis.sql import borrow
from chassis.testing.containers import Kafka, Postgres
from chassis.testing.services import running
from contracts.event import Event
from contracts.personal import SubjectId
from contracts.topics import POSITION, PROFILE
from contracts.wire import MAX_BODY_BYTES

from tests.integration.hostile import Headers, sealed, send, send_event, send_with_header_name, with_header
from tests.integration.reader import adverts, arrivals
from tests.integration.town import Town, eventually, parked_rows, town, waiting_to_be_sent
from tests.integration.writer import advert, corrected, removed, saved, say_in

CANARY = "Torbjørn Canary Fjellstad"
WITHIN = 15.0


@pytest_asyncio.fixture(scope="module", loop_scope="session", name="place")
async def running_town(kafka: Kafka, postgres: Postgres) -> AsyncGenerator[Town]:
    """One running reader for all of these tests, which use people of their own."""
    prefix = f"t{uuid4().hex[:10]}."
    async with town(kafka, postgres, prefix) as made, running(made.reader):
        yield made
    await kafka.delete_topics_of(prefix)


async def goes_on(place: Town) -> None:
    """Nothing else is delayed: the next good event of another person, on the same partition, arrives."""
    other = place.person()
    await send_event(place, sealed(place, saved(other, 1)))
    await eventually("the next event", lambda: arrivals(place.reader, other), lambda found: found == [1], WITHIN)


async def parked_after(place: Town, before: Sequence[ParkedRow]) -> list[ParkedRow]:
    """What was parked since, once something behind it has arrived; none of it can be read."""
    await goes_on(place)
    known = {row.id for row in before}
    new = [row for row in await parked_rows(place.reader) if row.id not in known]
    async with borrow(place.reader.database.pool) as connection:
        stored = await connection.fetch("SELECT p::text AS row, p.record FROM parked p")
    for row in stored:
        assert CANARY not in row["row"]
        assert CANARY.encode() not in row["record"]
    return new


async def bad_body(place: Town, event: Event, change: Callable[[dict[str, Any]], object]) -> ParkedRow:
    """Publish the event with its body changed, and two good events of the same key; the answer is what was parked."""
    before = await parked_rows(place.reader)
    good = sealed(place, event)
    body: dict[str, Any] = json.loads(good.body)
    changed = change(body)
    value = changed if isinstance(changed, bytes) else json.dumps(body if changed is None else changed).encode()
    await send(place, good.topic, key=good.key.encode(), value=value, headers=[*good.headers])
    return await parked_alone(place, before, UUID(good.key), good.event_id)


async def parked_alone(place: Town, before: Sequence[ParkedRow], key: UUID, event_id: UUID) -> ParkedRow:
    """That one record was parked, and that later events of its key wait behind it in order, until they are replayed."""
    subject = SubjectId(key)
    await send_event(place, sealed(place, removed(subject, 2)))
    await send_event(place, sealed(place, removed(subject, 3)))
    first, second, third = await parked_after(place, before)
    assert first.event_id == event_id
    assert first.encrypted
    assert not second.encrypted
    assert [second.key, third.key] == [str(key)] * 2
    assert await arrivals(place.reader, subject) == []
    return first


async def unreadable(place: Town, *, key: bytes | None, value: bytes | None, headers: Headers) -> ParkedRow:
    """Publish what is no event; the answer is what was parked: it names no key, and holds back nothing."""
    before = await parked_rows(place.reader)
    await send(place, place.prefix + PROFILE.name, key=key, value=value, headers=headers)
    [row] = await parked_after(place, before)
    assert row.key is None
    assert row.event_id is None
    assert row.encrypted
    return row


async def not_held_back(place: Town, key: str) -> None:
    """Later good events of this key go on."""
    subject = SubjectId(UUID(key))
    await send_event(place, sealed(place, removed(subject, 9)))
    await eventually("its next event", lambda: arrivals(place.reader, subject), lambda found: found == [9], WITHIN)


async def test_malformed_json_is_parked_with_what_follows_of_its_key(place: Town) -> None:
    row = await bad_body(place, saved(place.person(), 1), lambda _: b'{"subject_id": "' + CANARY.encode())
    assert row.reason == "job.interest.saved.v1: body: json_invalid"


async def test_an_unknown_field_is_parked_and_neither_its_name_nor_its_value_is_told(place: Town) -> None:
    row = await bad_body(place, saved(place.person(), 1), lambda body: body.update({CANARY: CANARY}))
    assert row.reason == "job.interest.saved.v1: unknown field: extra_forbidden"


async def test_a_wrong_type_is_parked_and_its_value_is_not_told(place: Town) -> None:
    row = await bad_body(place, saved(place.person(), 1), lambda body: body.update(saved_at=CANARY))
    assert row.reason.startswith("job.interest.saved.v1: saved_at: ")


async def test_a_body_that_is_no_object_is_parked(place: Town) -> None:
    row = await bad_body(place, removed(place.person(), 1), lambda _: [CANARY])
    assert row.reason == "job.interest.removed.v1: body: model_type"


async def test_deep_nesting_is_parked(place: Town) -> None:
    row = await bad_body(place, removed(place.person(), 1), lambda _: b"[" * 100_000)
    assert row.reason.startswith("job.interest.removed.v1: body: ")


async def test_a_body_that_is_not_utf_8_is_parked(place: Town) -> None:
    row = await bad_body(place, removed(place.person(), 1), lambda _: CANARY.encode("latin-1"))
    assert row.reason == "job.interest.removed.v1: body: json_invalid"


async def test_a_body_in_utf_16_is_parked(place: Town) -> None:
    row = await bad_body(place, removed(place.person(), 1), lambda body: json.dumps(body).encode("utf-16"))
    assert row.reason == "job.interest.removed.v1: body: json_invalid"


async def test_an_extra_field_of_a_future_version_is_parked_until_this_one_is_updated(place: Town) -> None:
    row = await bad_body(place, saved(place.person(), 1), lambda body: body.update(remote_too=True))
    assert row.reason == "job.interest.saved.v1: unknown field: extra_forbidden"


async def test_a_personal_field_in_the_clear_is_parked_and_can_not_be_read(place: Town) -> None:
    row = await bad_body(place, corrected(place.person()), lambda body: body.update(name=CANARY))
    assert row.reason == "profile.corrected.v1: unknown field: extra_forbidden"


async def test_a_blob_of_another_person_is_parked(place: Town) -> None:
    theirs = json.loads(sealed(place, saved(place.person(), 1)).body)["sealed"]
    row = await bad_body(place, saved(place.person(), 1), lambda body: body.update(sealed=theirs))
    assert row.reason == "job.interest.saved.v1: a sealed blob belongs to something else"


async def test_a_damaged_blob_is_parked_for_good_and_not_read_as_erased(place: Town) -> None:
    before = await parked_rows(place.reader)
    good = sealed(place, saved(place.person(), 1))
    body = json.loads(good.body)
    end = "AAAA" if not body["sealed"][0].endswith("AAAA") else "BBBB"
    body["sealed"] = [body["sealed"][0][:-4] + end]
    await send(place, good.topic, key=good.key.encode(), value=json.dumps(body).encode(), headers=[*good.headers])
    [row] = await parked_after(place, before)
    assert row.event_id == good.event_id
    assert row.reason == "a sealed blob does not authenticate under its key"


async def test_an_unknown_type_is_skipped_and_counted(place: Town) -> None:
    before = await parked_rows(place.reader)
    good = sealed(place, removed(place.person(), 1))
    headers = with_header(good, "ce_type", b"job.interest.praised.v7")
    skipped = place.reader.metrics.events_skipped.labels(place.prefix + PROFILE.name, "unknown type")
    count = cast("float", skipped._value.get())  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType] - shown in a text format only
    await send(place, good.topic, key=good.key.encode(), value=good.body, headers=headers)
    assert await parked_after(place, before) == []
    assert skipped._value.get() == count + 1  # pyright: ignore[reportPrivateUsage]
    await not_held_back(place, good.key)


async def test_a_record_without_a_key_is_parked(place: Town) -> None:
    good = sealed(place, removed(place.person(), 1))
    row = await unreadable(place, key=None, value=good.body, headers=[*good.headers])
    assert row.reason == "the record has no key"
    await not_held_back(place, good.key)


async def test_a_null_body_is_parked(place: Town) -> None:
    good = sealed(place, removed(place.person(), 1))
    row = await unreadable(place, key=good.key.encode(), value=None, headers=[*good.headers])
    assert row.reason == "the record has no body"


async def test_an_empty_body_is_parked_with_what_follows_of_its_key(place: Town) -> None:
    row = await bad_body(place, removed(place.person(), 1), lambda _: b"")
    assert row.reason == "job.interest.removed.v1: body: json_invalid"


async def test_a_key_that_is_not_ascii_is_parked(place: Town) -> None:
    good = sealed(place, removed(place.person(), 1))
    row = await unreadable(place, key=CANARY.encode(), value=good.body, headers=[*good.headers])
    assert row.reason == "the record key is not ASCII"


@pytest.mark.parametrize("key", [b"a\x00b", b"x" * 100_000], ids=["a NUL", "too long for an index"])
async def test_a_key_that_postgresql_can_not_keep_is_parked(place: Town, key: bytes) -> None:
    good = sealed(place, removed(place.person(), 1))
    row = await unreadable(place, key=key, value=good.body, headers=[*good.headers])
    assert row.reason == "the record key is over 200 characters, or has some that can't be printed"


async def test_a_key_that_is_not_whom_the_body_is_about_is_parked_and_holds_back_nobody(place: Town) -> None:
    before = await parked_rows(place.reader)
    good = sealed(place, removed(place.person(), 1))
    await send(place, good.topic, key=CANARY.encode("ascii", "ignore"), value=good.body, headers=[*good.headers])
    [row] = await parked_after(place, before)
    assert row.reason == "job.interest.removed.v1: the record key is not its subject_id"
    assert row.key is None
    await not_held_back(place, good.key)


async def test_a_record_without_any_header_is_parked(place: Town) -> None:
    row = await unreadable(place, key=b"k", value=CANARY.encode(), headers=[])
    assert row.reason == "header ce_specversion is missing or not 1.0"


async def test_a_header_value_that_is_not_utf_8_is_parked(place: Town) -> None:
    good = sealed(place, removed(place.person(), 1))
    headers = with_header(good, "ce_type", b"\xff\xfe")
    row = await unreadable(place, key=good.key.encode(), value=good.body, headers=headers)
    assert row.reason == "header ce_type is not ASCII"


@pytest.mark.parametrize("name", [b"\xff\xfe\xfd-foreign", b"ce_\xc3\x28"], ids=["foreign", "like one of ours"])
async def test_a_header_name_that_is_not_utf_8_hinders_nothing(place: Town, name: bytes) -> None:
    before = await parked_rows(place.reader)
    subject = place.person()
    await send_with_header_name(place, sealed(place, removed(subject, 1)), name)
    assert await parked_after(place, before) == []
    assert await arrivals(place.reader, subject) == [1]


async def test_a_header_of_ours_that_stands_twice_is_parked(place: Town) -> None:
    good = sealed(place, removed(place.person(), 1))
    headers = [*good.headers, ("ce_id", str(uuid4()).encode())]
    row = await unreadable(place, key=good.key.encode(), value=good.body, headers=headers)
    assert row.reason == "a CloudEvents header stands twice"


async def test_a_header_of_ours_that_is_null_is_parked(place: Town) -> None:
    good = sealed(place, removed(place.person(), 1))
    headers = with_header(good, "ce_time", None)
    row = await unreadable(place, key=good.key.encode(), value=good.body, headers=headers)
    assert row.reason == "a CloudEvents header is null"


async def test_a_thousand_foreign_headers_hinder_nothing(place: Town) -> None:
    subject = place.person()
    good = sealed(place, removed(subject, 1))
    foreign: list[tuple[str, bytes | None]] = [(f"x-{n}", CANARY.encode()) for n in range(1_000)]
    await send(place, good.topic, key=good.key.encode(), value=good.body, headers=[*foreign, *good.headers])
    await goes_on(place)
    assert await arrivals(place.reader, subject) == [1]


async def test_an_event_whose_subject_is_not_whom_the_body_is_about_is_parked(place: Town) -> None:
    before = await parked_rows(place.reader)
    good = sealed(place, removed(place.person(), 1))
    headers = with_header(good, "ce_subject", str(uuid4()).encode())
    await send(place, good.topic, key=good.key.encode(), value=good.body, headers=headers)
    [row] = await parked_after(place, before)
    assert row.reason == "job.interest.removed.v1: ce_subject is not whom the body is about"


async def test_a_text_that_postgresql_refuses_is_parked_and_other_positions_go_on(place: Town) -> None:
    before = await parked_rows(place.reader)
    bad, good = uuid4(), uuid4()
    await send_event(place, sealed(place, advert(bad, "a NUL \x00 in a title")))
    await send_event(place, sealed(place, advert(bad, "behind it")))
    await send_event(place, sealed(place, advert(good, "of another")))
    await eventually("the other's advert", lambda: adverts(place.reader), lambda found: "of another" in found, WITHIN)
    first, second = [row for row in await parked_rows(place.reader) if row.topic.endswith(POSITION.name)]
    assert first.id not in {row.id for row in before}
    assert first.reason == "CharacterNotInRepertoireError"
    assert second.reason.startswith("waits behind ")


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_record_compressed_by_a_foreign_client_arrives(place: Town, codec: str) -> None:
    subject = place.person()
    await send_event(place, sealed(place, saved(subject, 1, "sykepleier " * 500)), {"compression.type": codec})
    await eventually("it", lambda: arrivals(place.reader, subject), lambda found: found == [1], WITHIN)


async def test_a_body_of_the_largest_size_arrives_and_a_larger_one_is_refused_before_it_is_written(place: Town) -> None:
    subject = place.person()
    await send_event(place, sealed(place, saved(subject, 1, "x" * (MAX_BODY_BYTES // 2))))
    await eventually("it", lambda: arrivals(place.reader, subject), lambda found: found == [1], WITHIN)
    with pytest.raises(EventTooLarge):
        async with place.writer.database.transaction([subject]) as tx:
            await say_in(tx, subject, "x" * MAX_BODY_BYTES)
    assert await waiting_to_be_sent(place.writer) == 0
    async with borrow(place.writer.database.pool) as connection:
        assert await connection.fetchval("SELECT count(*) FROM said") == 0
