"""An event arrives as it was published, or is refused; its personal fields are readable with its person's keys only."""

import hmac
import json
import os
from datetime import date
from uuid import UUID, uuid4

import pytest
from chassis.clock import MovedClock, new_id
from chassis.errors import SubjectGone
from chassis.keys import LOG_KEY, NO_SUBJECT, KeyName, KeySet
from chassis.outbox import OutgoingEvent
from chassis.records import (
    BadRecord,
    Cause,
    EventTooLarge,
    Incoming,
    Record,
    encode,
    join,
    key_names,
    open_record,
    parse,
    read,
    seal_record,
)
from chassis.scoped_keys import Scope, single
from chassis.sealing import KEY_BYTES, BadBlob, read_header, unseal
from contracts.base64url import decode
from contracts.base64url import encode as base64url
from contracts.communication import LastMailEnded, LastMailOutcome, RecipientMailSent
from contracts.disclosure import PersonalDataDisclosed, RecipientKind, RecipientRegistered
from contracts.event import Event
from contracts.personal import ERASED, Application, Category, Personal, PersonalRecord, SubjectId
from contracts.position import ClosingReason, PositionClosed
from contracts.privacy import (
    ConsumerGroup,
    HeldTable,
    Hold,
    HolderRegistered,
    HoldLifted,
    HoldPlaced,
    LegalGround,
    PersonalDataErased,
    ResidueScanned,
    ResidueScanRequested,
)
from contracts.profile import (
    DeletionAnnounced,
    DeletionReason,
    HomeAddress,
    JobInterestSaved,
    KeysAccountedFor,
    ProfileDeleted,
    ProfileKind,
    ProfileRegistered,
)
from contracts.receipts import ErasureAttested, LastMailRequested
from contracts.registry import EVENTS
from contracts.rights import (
    ExportClosed,
    ExportEnd,
    ExportOpened,
    InactivitySuspected,
    KeysUnconfirmed,
    NoticeKind,
    ProcessingRestricted,
    RecipientMailRequested,
    StillActive,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .town import AT, Details, advert, cancellation, corrected, deletion, erased, erasure, message, removed, saved

CANARY = "Kanarifugl"
KARI = SubjectId(UUID("0194fdc2-fa2f-7cc0-81d3-ff1204dcbd5e"))
CLOCK = MovedClock(AT)


def key_set(*subjects: SubjectId) -> KeySet:
    names = [LOG_KEY, *(KeyName(subject, category) for subject in subjects for category in Category)]
    return KeySet({name: AESGCM(bytes([number]) * KEY_BYTES) for number, name in enumerate(names)})


KEYS = key_set(KARI)


def registered() -> ProfileRegistered:
    return ProfileRegistered(
        subject_id=KARI,
        kind=ProfileKind.JOB_SEEKER,
        registered_at=AT,
        name=Personal(f"{CANARY} Testesen"),
        email=Personal(f"{CANARY}@post.example"),
        phone=Personal(f"+47 {CANARY}"),
        home_address=Personal(HomeAddress(street=f"{CANARY}veien 1", city=f"{CANARY}dal")),
        date_of_birth=Personal(date(1987, 6, 5)),
    )


HOLD = Hold(hold_id=uuid4(), ground=LegalGround.LEGAL_CLAIM, review_on=AT)
EXAMPLES: list[Event] = [
    registered(),
    corrected(KARI, name=f"{CANARY} Ås"),
    ProfileDeleted(subject_id=KARI, reason=DeletionReason.INACTIVE, deleted_at=AT),
    saved(KARI, 3, occupation=f"{CANARY}passer"),
    removed(KARI, 3),
    advert(uuid4()),
    PositionClosed(position_id=uuid4(), reason=ClosingReason.FILLED, closed_at=AT),
    message(KARI),
    HolderRegistered(
        holder="notifications",
        groups=(ConsumerGroup(group="notifications.profile.v1", topics=("profile.v1",)),),
        tables=(HeldTable(table="kept", category=Category.COMMUNICATION, rule="R4"),),
        registered_at=AT,
    ),
    deletion(KARI),
    cancellation(KARI),
    erasure(KARI),
    PersonalDataErased(
        subject_id=KARI,
        erasure_id=uuid4(),
        nonce="a nonce",
        holder="notifications",
        rows={"kept": 3},
        erased_at=AT,
        signature="none",
    ),
    erased(KARI),
    HoldPlaced(subject_id=KARI, hold=HOLD, placed_at=AT),
    HoldLifted(subject_id=KARI, hold_id=HOLD.hold_id, lifted_at=AT),
    DeletionAnnounced(subject_id=KARI, final_at=AT, cancel_token=Personal(f"{CANARY}-token")),
    LastMailRequested(
        subject_id=KARI,
        erasure_id=uuid4(),
        give_up_at=AT,
        link=Personal(f"https://portal.example/{CANARY}"),
        recipients=Personal((f"{CANARY} AS",)),
    ),
    LastMailEnded(subject_id=KARI, erasure_id=uuid4(), outcome=LastMailOutcome.SENT, ended_at=AT),
    ErasureAttested(receipt="a number", digest="a digest"),
    ResidueScanRequested(
        subject_id=KARI, erasure_id=uuid4(), nonce="a nonce", categories=frozenset(Category), requested_at=AT
    ),
    ResidueScanned(
        subject_id=KARI,
        erasure_id=uuid4(),
        nonce="a nonce",
        holder="profile",
        columns=90,
        found={},
        scanned_at=AT,
        signature="none",
    ),
    RecipientRegistered(recipient_id=uuid4(), name="Fjord AS", kind=RecipientKind.EMPLOYER, registered_at=AT),
    PersonalDataDisclosed(
        subject_id=KARI,
        disclosure_id=uuid4(),
        recipient_id=uuid4(),
        reference="a reference",
        data_category=Category.USER_INFORMATION,
        fields=("name",),
        why="an application",
        disclosed_at=AT,
    ),
    RecipientMailRequested(
        recipient_id=uuid4(),
        notice_id=uuid4(),
        mail="privacy@fjord.example",
        kind=NoticeKind.ERASURE,
        references=("a reference",),
        reminder=0,
    ),
    RecipientMailSent(recipient_id=uuid4(), notice_id=uuid4(), reminder=0, sent_at=AT),
    ExportOpened(subject_id=KARI, export_id=uuid4(), opened_at=AT, expires_at=AT),
    ExportClosed(subject_id=KARI, export_id=uuid4(), end=ExportEnd.DELIVERED, closed_at=AT),
    InactivitySuspected(subject_id=KARI, inactive_since=AT, limit=AT),
    StillActive(subject_id=KARI, active_at=AT),
    KeysUnconfirmed(subject_id=KARI, keys=("communication",)),
    KeysAccountedFor(subject_id=KARI, used=(), unused=("communication",)),
    ProcessingRestricted(
        subject_id=KARI, restriction_id=uuid4(), categories=frozenset({Category.USER_INFORMATION}), restricted_at=AT
    ),
]
every_event = pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
personal_events = pytest.mark.parametrize(
    "event", [event for event in EXAMPLES if event.personal_fields], ids=lambda event: type(event).__name__
)


def sent(event: Event, cause: Cause | None = None) -> OutgoingEvent:
    event_id = new_id(CLOCK)
    cause = cause or Cause(event_id)
    return encode(event, KEYS, cause, event_id=event_id, source="profile", at=AT, prefix="t.")


def as_record(event: OutgoingEvent) -> Record:
    return Record(event.topic, 0, 0, event.key.encode(), event.headers, event.body)


def arrived(record: Record, keys: KeySet = KEYS) -> Event:
    incoming = read(record)
    assert incoming.event_class is not None
    return join(incoming, incoming.event_class, parse(incoming, incoming.event_class), keys)


def with_body(record: Record, **fields: object) -> Record:
    """The record with some plain fields of its body changed."""
    assert record.value is not None
    return record._replace(value=json.dumps({**json.loads(record.value), **fields}).encode())


def refused(record: Record, why: str) -> None:
    with pytest.raises(BadRecord, match=why) as caught:
        arrived(record)
    assert CANARY not in str(caught.value)


def test_there_is_an_example_of_every_event_class() -> None:
    assert [type(event) for event in EXAMPLES] == list(EVENTS)


@every_event
def test_an_event_arrives_as_it_was_published(event: Event) -> None:
    out = sent(event)
    assert out.topic == "t." + event.topic.name
    assert arrived(as_record(out)) == event


@every_event
def test_an_envelope_says_where_an_event_came_from_and_what_led_to_it(event: Event) -> None:
    cause = Cause(uuid4(), uuid4(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    out = sent(event, cause)
    envelope = read(as_record(out)).envelope
    assert (envelope.id, envelope.type, envelope.source, envelope.time) == (out.event_id, event.type, "profile", AT)
    assert envelope.subjects == event.subjects()
    assert Cause(envelope.correlation_id, envelope.causation_id, envelope.traceparent) == cause


@every_event
def test_the_commitment_opens_with_the_sealed_salt(event: Event) -> None:
    record = as_record(sent(event))
    envelope = read(record).envelope
    assert record.value is not None
    header = read_header(envelope.sealed_salt)
    assert (header.record_id, header.schema) == (envelope.id, "salt")
    salt = unseal(KEYS.need(KeyName(SubjectId(header.subject_id), header.category)), envelope.sealed_salt)
    assert len(salt) == 32
    assert hmac.compare_digest(hmac.digest(salt, record.value, "sha256"), envelope.commitment)
    assert not hmac.compare_digest(hmac.digest(salt, record.value + b" ", "sha256"), envelope.commitment)


@every_event
def test_a_salt_dies_with_the_person_unless_it_must_outlive_them(event: Event) -> None:
    sealed_for = read_header(read(as_record(sent(event))).envelope.sealed_salt)
    if event.privacy_protocol or not event.subjects():
        assert (sealed_for.subject_id, sealed_for.category) == (NO_SUBJECT, "log")
    else:
        assert (sealed_for.subject_id, sealed_for.category) == (KARI, event.category)


@personal_events
def test_no_personal_value_stands_in_body_headers_or_key(event: Event) -> None:
    out = sent(event)
    everything = b"|".join([out.body, out.key.encode(), *(name.encode() + value for name, value in out.headers)])
    for name in event.personal_fields:
        value: object = getattr(event, name).reveal()
        if isinstance(value, str | date):
            assert str(value).encode() not in everything
            assert base64url(str(value).encode()).rstrip(b"=")[:-1] not in everything
    assert CANARY.encode() not in everything
    assert b"sealed" in out.body


@personal_events
def test_fields_whose_key_is_destroyed_read_as_erased(event: Event) -> None:
    record = as_record(sent(event))
    found = arrived(record, KeySet({LOG_KEY: KEYS.need(LOG_KEY)}))
    for name in type(event).model_fields:
        if name in event.personal_fields:
            assert getattr(found, name).reveal() is ERASED
        else:
            assert getattr(found, name) == getattr(event, name)


def test_an_erased_value_or_a_person_without_key_is_never_published() -> None:
    out = sent(registered())
    gone = arrived(as_record(out), KeySet({}))
    with pytest.raises(SubjectGone, match="erased value"):
        sent(gone)
    for event in (saved(SubjectId(uuid4()), 1), removed(SubjectId(uuid4()), 1)):
        with pytest.raises(SubjectGone, match="no key for category user_information"):
            sent(event)


def test_a_body_of_another_key_than_the_record_is_refused() -> None:
    record = as_record(sent(saved(KARI, 1)))
    refused(record._replace(key=str(uuid4()).encode()), "the record key is not its subject_id")
    refused(record._replace(key=record.key and record.key.upper()), "the record key is not its subject_id")


def test_a_body_about_another_person_than_the_envelope_is_refused() -> None:
    other = str(uuid4())
    record = with_body(as_record(sent(removed(KARI, 1))), subject_id=other)
    refused(record._replace(key=other.encode()), "ce_subject is not whom the body is about")


def test_an_envelope_with_more_people_than_the_body_is_refused() -> None:
    record = as_record(sent(removed(KARI, 1)))
    headers = [(name, value) for name, value in record.headers if name != "ce_subject"]
    more = f"{KARI},{uuid4()}".encode()
    refused(record._replace(headers=[*headers, ("ce_subjects", more)]), "ce_subject is not whom the body is about")
    refused(record._replace(headers=headers), "ce_subject is not whom the body is about")


def test_a_blob_of_another_event_is_refused() -> None:
    first, second = as_record(sent(saved(KARI, 1))), as_record(sent(saved(KARI, 1)))
    refused(first._replace(value=second.value), "a sealed blob belongs to something else")
    of_another_type = json.loads(as_record(sent(corrected(KARI))).value or b"")["sealed"]
    refused(with_body(first, sealed=of_another_type), "a sealed blob belongs to something else")


def test_a_damaged_blob_is_damage_and_never_reads_as_erased() -> None:
    record = as_record(sent(saved(KARI, 1)))
    blob = bytearray(decode(json.loads(record.value or b"")["sealed"][0].encode()))
    blob[-1] ^= 1
    with pytest.raises(BadBlob):
        arrived(with_body(record, sealed=[base64url(bytes(blob)).decode()]))


def test_too_large_an_event_is_refused_before_it_is_sent() -> None:
    with pytest.raises(EventTooLarge, match="keep the content aside"):
        sent(saved(KARI, 1, occupation="x" * 900_000))
    assert arrived(as_record(sent(saved(KARI, 1, occupation="x" * 600_000))))


def test_the_keys_of_an_event_are_those_of_its_person_and_categories() -> None:
    def wanted(event: Event) -> list[KeyName]:
        incoming: Incoming = read(as_record(sent(event)))
        return key_names(incoming, parse(incoming, type(event)))

    assert wanted(saved(KARI, 1)) == [KeyName(KARI, Category.USER_INFORMATION)]
    assert wanted(message(KARI)) == [KeyName(KARI, Category.COMMUNICATION)]
    assert wanted(removed(KARI, 1)) == []


def test_a_type_that_is_not_known_is_read_and_not_judged() -> None:
    record = as_record(sent(removed(KARI, 1)))
    headers = [(name, b"person.praised.v7" if name == "ce_type" else value) for name, value in record.headers]
    incoming = read(record._replace(headers=headers, value=b"\xff"))
    assert incoming.event_class is None
    assert incoming.envelope.subjects == (KARI,)


def test_a_row_opens_as_it_was_sealed_and_reads_as_erased_without_its_key() -> None:
    details = Details(occupation=Personal(f"{CANARY}passer"))
    blob = seal_record(details, KEYS, subject=KARI, record_id=uuid4(), schema="kept")
    assert CANARY.encode() not in blob
    assert open_record(Details, blob, KEYS) == details
    assert open_record(Details, blob, KeySet({})).occupation.reveal() is ERASED
    with pytest.raises(SubjectGone):
        seal_record(details, KeySet({}), subject=KARI, record_id=uuid4(), schema="kept")
    with pytest.raises(SubjectGone, match="can't be stored"):
        seal_record(open_record(Details, blob, KeySet({})), KEYS, subject=KARI, record_id=uuid4(), schema="kept")
    damaged = blob[:-1] + bytes([blob[-1] ^ 1])
    with pytest.raises(BadBlob):
        open_record(Details, damaged, KEYS)


def test_absence_of_a_personal_value_is_sealed_too() -> None:
    event = saved(KARI, 1)
    assert b"place" not in sent(event).body
    found = arrived(as_record(sent(event)))
    assert isinstance(found, JobInterestSaved)
    assert found.place.reveal() is None


class Letter(PersonalRecord):
    words: Personal[str, Application]


def test_a_record_under_the_key_of_a_single_thing_reads_as_erased_when_that_key_is_gone() -> None:
    one, another = (KeyName(KARI, single(Scope.APPLICATION, uuid4())) for _ in range(2))
    keys = KeySet({name: AESGCM(os.urandom(32)) for name in (one, another)})
    letter = Letter(words=Personal("Kjære arbeidsgiver"))
    blob = seal_record(letter, keys, subject=KARI, record_id=uuid4(), schema="letters", key=one.category)
    assert read_header(blob).category == one.category
    assert open_record(Letter, blob, keys) == letter
    assert open_record(Letter, blob, KeySet({another: keys.need(another)})).words.erased


def test_a_record_is_sealed_under_a_key_of_its_own_category_only() -> None:
    letter = Letter(words=Personal("Kjære arbeidsgiver"))
    for key in (single(Scope.HOLD, uuid4()), Category.USER_INFORMATION):
        with pytest.raises(ValueError, match="its own category"):
            seal_record(letter, KEYS, subject=KARI, record_id=uuid4(), schema="letters", key=key)
