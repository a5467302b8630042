"""Every event is stored once, in order, sealed as it came, and of an erased person only that it happened."""

import pytest
from audit_log_service import contents, entries
from chassis.records import read
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.keyring import KeyringServer
from contracts.event import Event
from contracts.personal import Category
from contracts.privacy import DeletionRequested
from contracts.profile import DeletionReason

from .rig import (
    AT,
    EMAIL,
    EVERYTHING,
    NAME,
    Publisher,
    corrected,
    interest,
    kept,
    logged,
    position,
    rows_of,
    somebody,
    take_in,
    to_be_erased,
    with_header,
)


async def test_a_stream_is_stored_whole_and_in_order(service: Service) -> None:
    publisher, people = Publisher(), [somebody() for _ in range(7)]
    events: list[Event] = [kind(people[n % 7]) for n in range(300) for kind in (corrected, interest)]
    records = [publisher.record(event) for event in events]
    for start in range(0, len(records), 250):
        await take_in(service, records[start : start + 250])
    assert await logged(service) == [(event.type, record.offset) for event, record in zip(events, records, strict=True)]
    assert await kept(service) == [(event.subjects()[0], "user_information") for event in events]


async def test_an_event_that_is_sent_again_is_stored_once(service: Service) -> None:
    publisher = Publisher()
    sent = publisher.sealed(corrected(somebody()))
    first, again, and_again = (publisher.as_record(sent) for _ in range(3))
    await take_in(service, [first, again])
    await take_in(service, [and_again])
    assert await logged(service) == [("profile.corrected.v1", first.offset)]


async def test_what_was_said_is_stored_as_it_came(service: Service) -> None:
    record = Publisher().record(corrected(somebody()))
    await take_in(service, [record])
    async with borrow(service.database.pool) as connection:
        [entry] = await entries.after(connection, 0, 10)
        content = await contents.find(connection, entry.position)
    assert content is not None
    assert content.body == record.value
    assert dict(content.headers) == dict(record.headers)
    envelope = read(record).envelope
    assert content.event_id == envelope.id
    assert content.sealed_salt == envelope.sealed_salt
    assert entry.commitment == envelope.commitment


async def test_nothing_of_a_person_can_be_read_from_the_tables(service: Service) -> None:
    person = somebody()
    await take_in(service, [Publisher().record(event) for event in (corrected(person), interest(person))])
    stored = "\n".join([*await rows_of(service, "entries"), *await rows_of(service, "contents")])
    for value in (NAME, "Skogheim", EMAIL, "torskefisker", "Henningsvær"):
        assert value not in stored
        assert value.encode().hex() not in stored
    assert str(person) in stored  # the search finds what is there


async def test_an_entry_says_nothing_of_whom_the_event_was_about(service: Service) -> None:
    person = somebody()
    record = Publisher().record(corrected(person))
    await take_in(service, [record])
    [row] = await rows_of(service, "entries")
    for value in (str(person), person.hex, str(read(record).envelope.id)):
        assert value not in row
    async with borrow(service.database.pool) as connection:
        [entry] = await entries.after(connection, 0, 1)
    assert entry.hour == AT.replace(minute=0, second=0, microsecond=0)


@pytest.mark.parametrize("time", ["2026-01-02T13:47:33+05:30", "2026-01-02T08:17:33.123456+00:00"])
async def test_the_time_is_cut_to_the_hour_whatever_its_zone(service: Service, time: str) -> None:
    record = with_header(Publisher().record(corrected(somebody())), "ce_time", time.encode())
    await take_in(service, [record])
    async with borrow(service.database.pool) as connection:
        [entry] = await entries.after(connection, 0, 1)
    assert entry.hour == AT.replace(minute=0, second=0, microsecond=0)


async def test_of_an_erased_person_only_that_it_happened_is_stored(service: Service) -> None:
    publisher, gone, stays = Publisher(), somebody(), somebody()
    await take_in(service, [publisher.record(to_be_erased(gone))])
    await take_in(service, [publisher.record(corrected(gone)), publisher.record(corrected(stays))])
    assert [type_ for type_, _ in await logged(service)] == ["erasure.requested.v1"] + ["profile.corrected.v1"] * 2
    assert await kept(service) == [(gone, "rights_case"), (stays, "user_information")]


async def test_an_event_about_nobody_has_no_category(service: Service) -> None:
    await take_in(service, [Publisher().record(position())])
    assert await kept(service) == [(None, None)]


async def test_the_privacy_protocol_is_kept_as_evidence(service: Service) -> None:
    person = somebody()
    request = DeletionRequested(subject_id=person, reason=DeletionReason.REQUESTED, requested_at=AT, final_at=AT)
    publisher = Publisher()
    await take_in(service, [publisher.record(request)])
    await take_in(service, [publisher.record(to_be_erased(person, EVERYTHING))])
    assert await kept(service) == [(person, "rights_case")] * 2


async def test_a_restricted_persons_events_are_stored(service: Service) -> None:
    person = somebody()
    request = DeletionRequested(subject_id=person, reason=DeletionReason.REQUESTED, requested_at=AT, final_at=AT)
    publisher = Publisher()
    await take_in(service, [publisher.record(request), publisher.record(corrected(person))])
    assert [category for _, category in await kept(service)] == ["rights_case", "user_information"]


async def test_an_unknown_type_is_stored_and_erased_with_its_person(service: Service) -> None:
    publisher, person = Publisher(), somebody()
    record = with_header(publisher.record(corrected(person)), "ce_type", b"profile.praised.v9")
    record = record._replace(value=b"\x00 not even JSON")
    await take_in(service, [record])
    assert await logged(service) == [("profile.praised.v9", record.offset)]
    assert await kept(service) == [(person, "user_information")]
    await take_in(service, [publisher.record(to_be_erased(person))])
    assert await kept(service) == [(person, "rights_case")]


async def test_an_unknown_type_about_several_people_is_stored(service: Service) -> None:
    one, other = sorted((somebody(), somebody()))
    record = with_header(Publisher().record(position()), "ce_subjects", f"{one},{other}".encode())
    await take_in(service, [with_header(record, "ce_type", b"people.met.v1")])
    async with borrow(service.database.pool) as connection:
        [entry] = await entries.after(connection, 0, 1)
        content = await contents.find(connection, entry.position)
    assert content is not None
    assert content.subjects == (one, other)
    assert content.category is Category.USER_INFORMATION


async def test_headers_of_others_are_not_stored(service: Service) -> None:
    record = Publisher().record(position())
    await take_in(service, [record._replace(headers=[*record.headers, ("x-name", NAME.encode())])])
    assert NAME.encode().hex() not in "\n".join(await rows_of(service, "contents"))


@pytest.mark.parametrize(
    ("name", "value"), [("ce_id", None), ("ce_id", b"\xff\xfe"), ("ce_time", b"yesterday"), ("ce_salt", b"%%")]
)
async def test_a_record_that_can_not_be_read_is_parked_and_delays_nothing(
    service: Service, name: str, value: bytes | None
) -> None:
    publisher, person = Publisher(), somebody()
    bad = with_header(publisher.record(corrected(person)), name, value)
    good = publisher.record(corrected(person))
    await take_in(service, [bad, good])
    assert await logged(service) == [("profile.corrected.v1", good.offset)]
    [parked] = await rows_of(service, "parked")
    assert parked.count(str(bad.offset)) >= 1


async def test_a_body_that_is_not_what_its_type_promises_is_kept_encrypted_and_not_in_the_log(service: Service) -> None:
    publisher, person = Publisher(), somebody()
    bad = publisher.record(corrected(person))._replace(value=f'{{"name":"{NAME}"}}'.encode())
    await take_in(service, [bad])
    assert await logged(service) == []
    stored = "\n".join([*await rows_of(service, "parked"), *await rows_of(service, "contents")])
    assert stored, "the record is parked"
    assert NAME.encode().hex() not in stored


async def test_without_the_keyring_events_are_stored_all_the_same(service: Service, keyring: KeyringServer) -> None:
    keyring.unavailable = True
    await take_in(service, [Publisher().record(corrected(somebody()))])
    assert len(await kept(service)) == 1


async def test_the_log_can_open_nothing_but_website_usage(service: Service) -> None:
    assert service.keys.categories == {Category.WEBSITE_USAGE}
