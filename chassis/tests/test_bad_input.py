"""Whatever stands on a topic: it is taken in, ignored or kept aside unreadable to others, and nothing else is delayed."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from chassis.parked import ParkedRow
from chassis.records import Record
from contracts.personal import SubjectId
from contracts.topics import PROFILE

from .town import CANARY, Town, advert, erasure, removed, saved

Headers = list[tuple[str, bytes]]


async def kept_aside(town: Town, bad: Record, why: str, *, key: UUID | None = None) -> ParkedRow:
    """The bad record's parked row, after everything that must hold for every bad record was seen to hold."""
    good = town.person()
    await town.take_in(bad, town.record(removed(good, 1)))
    assert await town.kept(good) == [1], "another key was delayed"
    [row] = await town.parked([bad])
    assert why in row.reason
    assert row.key == (None if key is None else str(key))
    assert CANARY not in row.reason
    if row.encrypted:
        everything = await town.parked_bytes(row)
        assert CANARY.encode() not in everything
        for part in (bad.value, *(value for name, value in bad.headers if not name.startswith(("ce_", "content")))):
            assert not part or len(part) < 8 or part not in everything
        assert await town.restored(row) == bad
    return row


def fields(record: Record) -> dict[str, Any]:
    assert record.value is not None
    return json.loads(record.value)


def with_value(record: Record, value: bytes | None) -> Record:
    return record._replace(value=value)


def with_fields(record: Record, **changed: object) -> Record:
    return record._replace(value=json.dumps({**fields(record), **changed}).encode())


def with_headers(record: Record, change: Callable[[Headers], Headers]) -> Record:
    return record._replace(headers=change(list(record.headers)))


def header_set(record: Record, name: str, value: bytes) -> Record:
    return with_headers(record, lambda headers: [(n, value if n == name else v) for n, v in headers])


def good_record(town: Town) -> tuple[SubjectId, Record]:
    """A record of a person, to be spoiled."""
    subject = town.person()
    return subject, town.record(saved(subject, 7))


# Bodies


async def test_malformed_json_is_kept_aside_unreadable(town: Town) -> None:
    subject, record = good_record(town)
    await kept_aside(town, with_value(record, b'{"name": "' + CANARY.encode()), "json_invalid", key=subject)


async def test_an_empty_body_is_kept_aside(town: Town) -> None:
    subject, record = good_record(town)
    await kept_aside(town, with_value(record, b""), "json_invalid", key=subject)


async def test_a_null_body_is_kept_aside(town: Town) -> None:
    _, record = good_record(town)
    row = await kept_aside(town, with_value(record, None), "the record has no body")
    assert (await town.restored(row)).value is None


async def test_a_body_that_is_no_object_is_kept_aside(town: Town) -> None:
    for body in (b"null", b"[]", b"7", json.dumps(CANARY).encode()):
        subject, record = good_record(town)
        await kept_aside(town, with_value(record, body), "body: model_type", key=subject)


async def test_an_unknown_field_is_kept_aside_without_its_name(town: Town) -> None:
    subject, record = good_record(town)
    row = await kept_aside(town, with_fields(record, **{CANARY: CANARY}), "unknown field: extra_forbidden", key=subject)
    assert row.encrypted


async def test_a_field_of_a_wrong_type_is_kept_aside(town: Town) -> None:
    subject, record = good_record(town)
    await kept_aside(town, with_fields(record, interest_id=CANARY), "interest_id: uuid_parsing", key=subject)


async def test_a_missing_field_is_kept_aside(town: Town) -> None:
    subject, record = good_record(town)
    body = fields(record)
    del body["saved_at"]
    await kept_aside(town, with_value(record, json.dumps(body).encode()), "saved_at: missing", key=subject)


async def test_a_time_without_zone_is_kept_aside(town: Town) -> None:
    subject, record = good_record(town)
    await kept_aside(town, with_fields(record, saved_at="2026-01-02T08:00:00"), "saved_at: timezone_aware", key=subject)


async def test_bad_base64_in_sealed_is_kept_aside(town: Town) -> None:
    for text in ("!!!!", "a", "æøå", "AA==AA=="):
        subject, record = good_record(town)
        await kept_aside(town, with_fields(record, sealed=[text]), "sealed", key=subject)


async def test_a_wrong_number_of_blobs_is_kept_aside(town: Town) -> None:
    for many in (0, 2):
        subject, record = good_record(town)
        bad = with_fields(record, sealed=fields(record)["sealed"] * many)
        await kept_aside(town, bad, "wrong number of blobs", key=subject)


async def test_a_personal_field_sent_in_the_clear_is_kept_aside_unreadable(town: Town) -> None:
    subject, record = good_record(town)
    bad = with_fields(record, occupation=CANARY, sealed=[])
    row = await kept_aside(town, bad, "extra_forbidden", key=subject)
    assert row.encrypted


async def test_a_blob_of_another_event_is_kept_aside(town: Town) -> None:
    subject, record = good_record(town)
    _, other = good_record(town)
    bad = with_fields(record, sealed=fields(other)["sealed"])
    await kept_aside(town, bad, "a sealed blob belongs to something else", key=subject)


async def test_deep_nesting_is_kept_aside(town: Town) -> None:
    for body in (b"[" * 50_000, b'{"a":' * 50_000, b"[" * 100 + b"]" * 100):
        subject, record = good_record(town)
        await kept_aside(town, with_value(record, body), "body: ", key=subject)


async def test_a_huge_number_is_kept_aside(town: Town) -> None:
    for number, why in (
        (b"9" * 4_000, "interest_id: "),
        (b"9" * 5_000, "body: json_invalid"),
        (b"1e999", "interest_id: "),
    ):
        subject, record = good_record(town)
        body = (record.value or b"").replace(b'"00000000-0000-0000-0000-000000000007"', number)
        await kept_aside(town, with_value(record, body), why, key=subject)


async def test_an_oversize_body_is_kept_aside(town: Town) -> None:
    subject, record = good_record(town)
    await kept_aside(town, with_fields(record, filler="x" * 2_000_000), "extra_forbidden", key=subject)


async def test_bytes_that_are_no_text_are_kept_aside(town: Town) -> None:
    for body in (b"\xff\xfe" * 20, b'{"place": "\xc3\x28"}', "{}".encode("utf-16")):
        subject, record = good_record(town)
        await kept_aside(town, with_value(record, body), "body: json_invalid", key=subject)


async def test_a_lone_surrogate_is_kept_aside(town: Town) -> None:
    position = uuid4()
    record = town.record(advert(position))
    body = (record.value or b"").replace(b"Sykepleier, natt", rb"\ud800")
    await kept_aside(town, with_value(record, body), "", key=position)


async def test_a_nul_character_that_the_database_refuses_is_kept_aside(town: Town) -> None:
    position = uuid4()
    row = await kept_aside(town, town.record(advert(position, title="a\0b")), "Character", key=position)
    assert not row.encrypted
    assert await town.titles(position) == []


async def test_a_damaged_blob_is_kept_aside_and_never_read_as_erased(town: Town) -> None:
    subject, record = good_record(town)
    [blob] = fields(record)["sealed"]
    bad = with_fields(record, sealed=[blob[:-6] + ("AAAA" if blob[-6:-2] != "AAAA" else "BBBB") + blob[-2:]])
    await kept_aside(town, bad, "sealed", key=subject)
    assert await town.kept(subject) == []


# Keys


async def test_a_record_without_key_is_kept_aside(town: Town) -> None:
    _, record = good_record(town)
    await kept_aside(town, record._replace(key=None), "the record has no key")


async def test_a_key_that_is_not_ascii_is_kept_aside(town: Town) -> None:
    for key in (f"{CANARY} Ås".encode(), b"\xff\xff"):
        _, record = good_record(town)
        await kept_aside(town, record._replace(key=key), "the record key is not ASCII")


async def test_a_key_with_a_nul_or_without_end_is_kept_aside(town: Town) -> None:
    for key in (b"a\0b", b"k" * 100_000, b"\n"):
        _, record = good_record(town)
        await kept_aside(town, record._replace(key=key), "the record key is over")


async def test_a_key_that_is_somebodys_name_is_kept_aside_and_not_stored(town: Town) -> None:
    _, record = good_record(town)
    await kept_aside(town, record._replace(key=CANARY.encode()), "the record key is not its subject_id")


# Headers


async def test_a_header_value_that_is_not_utf8_is_kept_aside(town: Town) -> None:
    _, record = good_record(town)
    await kept_aside(town, header_set(record, "ce_source", b"\xff\xfe\xc3\x28"), "header ce_source is not ASCII")


async def test_a_doubled_header_of_ours_is_kept_aside(town: Town) -> None:
    _, record = good_record(town)
    twice = with_headers(record, lambda headers: [*headers, ("ce_id", str(uuid4()).encode())])
    await kept_aside(town, twice, "stands twice")


async def test_a_null_header_of_ours_is_kept_aside(town: Town) -> None:
    _, record = good_record(town)
    null: Any = None
    await kept_aside(town, header_set(record, "ce_time", null), "a CloudEvents header is null")


async def test_each_missing_header_of_ours_is_kept_aside_by_name(town: Town) -> None:
    for name in ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_correlationid", "ce_commitment"):
        _, record = good_record(town)
        without = with_headers(record, lambda headers, name=name: [h for h in headers if h[0] != name])
        await kept_aside(town, without, f"header {name} is missing")


async def test_a_record_of_a_stranger_without_any_header_is_kept_aside(town: Town) -> None:
    stranger = town.place(PROFILE.name, b"1", [], json.dumps({"name": CANARY}).encode(), 0)
    await kept_aside(town, stranger, "header ce_specversion is missing")


async def test_header_values_that_are_no_ids_or_times_are_kept_aside(town: Town) -> None:
    for name, value in (
        ("ce_id", CANARY.encode()),
        ("ce_time", b"2026-01-02T08:00:00"),
        ("ce_time", b"yesterday"),
        ("ce_subject", CANARY.encode()),
        ("ce_type", b"x" * 101),
        ("ce_type", b"a\nb:c"),
        ("ce_salt", b"!"),
        ("ce_commitment", b""),
        ("ce_specversion", b"2.0"),
    ):
        _, record = good_record(town)
        await kept_aside(town, header_set(record, name, value), f"header {name}")


async def test_an_envelope_about_somebody_else_is_kept_aside(town: Town) -> None:
    subject = town.person()
    record = header_set(town.record(removed(subject, 1)), "ce_subject", str(uuid4()).encode())
    await kept_aside(town, record, "ce_subject is not whom the body is about", key=subject)


async def test_a_thousand_headers_of_others_are_ignored_and_not_kept(town: Town) -> None:
    subject, record = good_record(town)
    foreign = [(f"x-{number}", CANARY.encode()) for number in range(1_000)]
    null: Any = None
    crowded = with_headers(
        record, lambda headers: [*foreign, *headers, ("x-null", null), ("", b""), ("x-noise", b"\xff\0")]
    )
    await town.take_in(crowded)
    assert await town.kept(subject) == [7]
    assert await town.parked([crowded]) == []


async def test_a_hostile_traceparent_is_dropped(town: Town) -> None:
    for value in (b"", b"\xff", b"00-" + b"0" * 4_000, CANARY.encode()):
        subject = town.person()
        record = town.record(removed(subject, 1))
        await town.take_in(with_headers(record, lambda headers, value=value: [*headers, ("traceparent", value)]))
        assert await town.kept(subject) == [1]


# Versions that are not here yet


async def test_an_event_of_a_later_schema_is_kept_aside_and_those_of_its_key_wait(town: Town) -> None:
    subject = town.person()
    later = with_fields(town.record(saved(subject, 7)), favourite_colour="blue")
    behind = town.record(removed(subject, 8))
    await town.take_in(later, behind)
    assert await town.kept(subject) == []
    rows = await town.parked([later, behind])
    assert [row.encrypted for row in rows] == [True, False]
    assert rows[1].reason.startswith("waits behind")


async def test_an_event_of_a_type_that_is_not_known_yet_is_passed_over(town: Town) -> None:
    subject, record = good_record(town)
    unknown = header_set(record, "ce_type", b"person.praised.v1")
    behind = town.record(removed(subject, 8))
    await town.take_in(unknown, behind)
    assert await town.kept(subject) == [8]
    assert await town.parked([unknown]) == []


async def test_a_bad_batch_from_end_to_end_loses_nothing(town: Town) -> None:
    bad = [town.place(PROFILE.name, None, [], CANARY.encode(), number % 6) for number in range(60)]
    await town.take_in(*bad)
    rows = await town.parked(bad)
    assert len(rows) == 60
    assert {row.key for row in rows} == {None}


async def test_a_bad_record_read_again_is_kept_once(town: Town) -> None:
    subject, record = good_record(town)
    bad = with_value(record, CANARY.encode())
    row = await kept_aside(town, bad, "json_invalid", key=subject)
    sent_again = bad._replace(offset=town.record(removed(subject, 1)).offset)
    await town.take_in(sent_again)
    assert await town.parked([bad]) == [row]
    assert len(await town.parked([sent_again])) == 1, "another place on the topic is another record"


async def test_a_bad_record_about_an_erased_person_is_not_kept_at_all(town: Town) -> None:
    subject, record = good_record(town)
    await town.say(erasure(subject))
    bad = with_value(record, CANARY.encode())
    await town.take_in(bad)
    assert await town.parked([bad]) == []
