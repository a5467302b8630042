"""Events as Kafka records: sealed and committed on the way out, validated on the way in, opened with the keys at hand."""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple, TypeVar, cast
from uuid import UUID

from contracts.envelope import BadEnvelope, Envelope, read_envelope
from contracts.event import Event
from contracts.personal import ERASED, Category, ErasedType, PersonalRecord, SubjectId
from contracts.registry import EVENT_BY_TYPE
from contracts.wire import MAX_BODY_BYTES, BadBody, WireBody, wire_form

from chassis.errors import SubjectGone
from chassis.keys import LOG_KEY, KeyName, KeySet
from chassis.logs import SafeError
from chassis.outbox import OutgoingEvent
from chassis.scoped_keys import scope_of
from chassis.sealing import BlobHeader, belongs_to, read_header, seal, unseal

SALT_SCHEMA: Final = "salt"
SALT_BYTES: Final = 32
MAX_KEY: Final = 200
"""The longest record key, in characters: keys are ids, and PostgreSQL indexes them."""


class BadRecord(SafeError):
    """The record is not an event of ours; the text says why and quotes nothing of it."""


class EventTooLarge(SafeError):
    """The event's body is larger than may be published: keep the content aside and send a claim check."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What led to a change: carried into every event that the change publishes."""

    correlation_id: UUID
    event_id: UUID | None = None
    traceparent: str | None = None


class Record(NamedTuple):
    """A record as Kafka gave it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None


class Incoming(NamedTuple):
    """A record whose envelope is good. `event_class` is None for a type that this version does not know."""

    record: Record
    key: str
    envelope: Envelope
    event_class: type[Event] | None


def salt_key(category: Category | None, privacy_protocol: bool, subjects: Sequence[SubjectId]) -> KeyName:
    """Which key seals the salt of an event's commitment: the person's, unless it must outlive that key."""
    if category is None or privacy_protocol or len(subjects) != 1:
        return LOG_KEY
    return KeyName(subjects[0], category)


def encode(
    event: Event, keys: KeySet, cause: Cause, *, event_id: UUID, source: str, at: datetime, prefix: str
) -> OutgoingEvent:
    """The event as it will be sent, its personal fields and its salt sealed.

    Raises:
        SubjectGone: a key that it needs is destroyed, or a personal field of it reads as erased.
        EventTooLarge: the body is over `MAX_BODY_BYTES`.
    """
    form = wire_form(type(event))
    subjects = event.subjects()
    blobs: dict[Category, bytes] = {}
    for category in form.personal:
        payload = form.payload(event, category)
        if payload is None:
            raise SubjectGone("an erased value can't be published")
        name = KeyName(subjects[0], category)
        blobs[category] = seal(keys.need(name), BlobHeader(subjects[0], category, event_id, event.type), payload)
    body = form.dump(event, blobs)
    if len(body) > MAX_BODY_BYTES:
        raise EventTooLarge(f"{event.type}: the body is over {MAX_BODY_BYTES} bytes; keep the content aside")
    salt = os.urandom(SALT_BYTES)
    name = salt_key(event.category, event.privacy_protocol, subjects)
    envelope = Envelope(
        id=event_id,
        type=event.type,
        source=source,
        time=at,
        subjects=subjects,
        correlation_id=cause.correlation_id,
        causation_id=cause.event_id,
        commitment=hmac.digest(salt, body, sha256),
        sealed_salt=seal(keys.need(name), BlobHeader(name.subject_id, name.category, event_id, SALT_SCHEMA), salt),
        traceparent=cause.traceparent,
    )
    topic = prefix + event.topic.name
    return OutgoingEvent(event_id, topic, event.key, envelope.headers(), body, event.privacy_protocol)


def read(record: Record) -> Incoming:
    """The record's envelope, checked; its body is not looked at.

    Raises:
        BadRecord: no key, no body, or headers that are no envelope of ours.
    """
    if record.key is None:
        raise BadRecord("the record has no key")
    if record.value is None:
        raise BadRecord("the record has no body")
    try:
        key = record.key.decode("ascii")
    except UnicodeDecodeError:
        raise BadRecord("the record key is not ASCII") from None
    if len(key) > MAX_KEY or not key.isprintable():
        raise BadRecord(f"the record key is over {MAX_KEY} characters, or has some that can't be printed")
    try:
        envelope = read_envelope(record.headers)
    except BadEnvelope as error:
        raise BadRecord(str(error)) from None
    return Incoming(record, key, envelope, EVENT_BY_TYPE.get(envelope.type))


def parse(incoming: Incoming, event_class: type[Event]) -> WireBody:
    """The validated body, blobs still sealed.

    Raises:
        BadRecord: it is not what its type promises, or does not fit its key, subjects or blobs.
    """
    try:
        body = wire_form(event_class).parse(cast("bytes", incoming.record.value))
    except BadBody as error:
        raise BadRecord(f"{event_class.type}: {error}") from None
    if str(body.plain[event_class.key_field]) != incoming.key:
        raise BadRecord(f"{event_class.type}: the record key is not its {event_class.key_field}")
    for category, blob in body.blobs.items():
        subjects = incoming.envelope.subjects
        if len(subjects) != 1 or not belongs_to(
            blob, BlobHeader(subjects[0], category, incoming.envelope.id, event_class.type)
        ):
            raise BadRecord(f"{event_class.type}: a sealed blob belongs to something else")
    return body


def join(incoming: Incoming, event_class: type[Event], body: WireBody, keys: KeySet) -> Event:
    """The event, opened; fields whose key is gone read as ERASED.

    Raises:
        BadRecord: what was sealed is not what the type promises, or the subjects do not match.
        BadBlob: a blob does not authenticate under its key.
    """
    opened: dict[Category, bytes | ErasedType] = {}
    for category, blob in body.blobs.items():
        key = keys.find(KeyName(incoming.envelope.subjects[0], category))
        opened[category] = ERASED if key is None else unseal(key, blob)
    try:
        event = cast("Event", wire_form(event_class).join(body, opened))
    except BadBody as error:
        raise BadRecord(f"{event_class.type}: {error}") from None
    if event.subjects() != incoming.envelope.subjects:
        raise BadRecord(f"{event_class.type}: ce_subject is not whom the body is about")
    return event


def key_names(incoming: Incoming, body: WireBody) -> list[KeyName]:
    """The keys that open this parsed body."""
    return [KeyName(subject, category) for category in body.blobs for subject in incoming.envelope.subjects]


R = TypeVar("R", bound=PersonalRecord)


def category_of(model: type[PersonalRecord]) -> Category:
    """Which key seals the record's fields."""
    form = wire_form(model)
    if len(form.personal) != 1:
        raise TypeError(f"{model.__name__}: the fields of one blob are all of one category")
    return next(iter(form.personal))


def seal_record(
    value: PersonalRecord, keys: KeySet, *, subject: SubjectId, record_id: UUID, schema: str, key: str | None = None
) -> bytes:
    """The personal fields of one table row as one blob, under the key of their category or of the thing they belong to.

    Raises:
        SubjectGone: the key is destroyed.
        BadKeyName: `key` names none.
        ValueError: it is of another scope than the record's category.
    """
    form, category = wire_form(type(value)), category_of(type(value))
    if key is not None and scope_of(key) != category:
        raise ValueError(f"{type(value).__name__}: a record is sealed under a key of its own category")
    payload = form.payload(value, category)
    if payload is None:
        raise SubjectGone("an erased value can't be stored")
    name = KeyName(subject, key or category)
    return seal(keys.need(name), BlobHeader(subject, name.category, record_id, schema), payload)


def open_record(model: type[R], blob: bytes, keys: KeySet) -> R:
    """The row's personal fields; each reads as ERASED when the key is gone.

    Raises:
        BadBlob: the blob does not authenticate under its key.
    """
    form, category = wire_form(model), category_of(model)
    return cast("R", form.join(WireBody({}, {category: blob}), {category: _open(blob, keys)}))


def _open(blob: bytes, keys: KeySet) -> bytes | ErasedType:
    header = read_header(blob)
    key = keys.find(KeyName(SubjectId(header.subject_id), header.category))
    return ERASED if key is None else unseal(key, blob)
