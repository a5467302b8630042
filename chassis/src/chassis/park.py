"""Keeps a failing record aside: what is an event stays sealed as it came, what is not is encrypted under the own key."""

import json
from base64 import b64decode, b64encode
from typing import Final, cast
from uuid import UUID

from chassis.outbox import pack_headers, unpack_headers
from chassis.own_key import OwnKey
from chassis.parked import NewParked
from chassis.records import Incoming, Record

_USE: Final = "parked records"
_HEADERS_LENGTH_BYTES: Final = 4


def park_event(incoming: Incoming, reason: str) -> NewParked:
    """A good event whose reaction failed, or that waits behind one."""
    return NewParked(
        topic=incoming.record.topic,
        partition=incoming.record.partition,
        offset=incoming.record.offset,
        key=incoming.key,
        event_id=incoming.envelope.id,
        event_type=incoming.envelope.type,
        subjects=incoming.envelope.subjects,
        privacy_protocol=incoming.event_class is not None and incoming.event_class.privacy_protocol,
        reason=reason,
        record=_pack(incoming),
        encrypted=False,
    )


def park_bad_event(incoming: Incoming, reason: str, own_key: OwnKey) -> NewParked:
    """A record with a good envelope whose body is not what its type promises: it may hold anything, so it is encrypted.

    It holds back later events of its key, if that is an id of ours.
    """
    parked = park_unreadable(incoming.record, reason, own_key)
    return NewParked(
        topic=parked.topic,
        partition=parked.partition,
        offset=parked.offset,
        key=incoming.key if _is_id(incoming.key) else None,
        event_id=incoming.envelope.id,
        event_type=incoming.event_class.type if incoming.event_class is not None else None,
        subjects=incoming.envelope.subjects,
        privacy_protocol=incoming.event_class is not None and incoming.event_class.privacy_protocol,
        reason=reason,
        record=parked.record,
        encrypted=True,
    )


def park_unreadable(record: Record, reason: str, own_key: OwnKey) -> NewParked:
    """A record that is no event at all."""
    everything = {
        "key": _text(record.key),
        "headers": [(name, _text(value)) for name, value in record.headers],
        "value": _text(record.value),
    }
    return NewParked(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=None,
        event_id=None,
        event_type=None,
        subjects=(),
        privacy_protocol=False,
        reason=reason,
        record=own_key.encrypt(_USE, json.dumps(everything).encode()),
        encrypted=True,
    )


def restore(
    packed: bytes, own_key: OwnKey, *, topic: str, partition: int, offset: int, key: str | None, encrypted: bool
) -> Record:
    """The record as Kafka gave it.

    Raises:
        SafeError: it was encrypted under another service key.
    """
    if not encrypted:
        end = _HEADERS_LENGTH_BYTES + int.from_bytes(packed[:_HEADERS_LENGTH_BYTES])
        headers = unpack_headers(packed[_HEADERS_LENGTH_BYTES:end])
        return Record(topic, partition, offset, key.encode() if key is not None else None, headers, packed[end:])
    everything = json.loads(own_key.decrypt(_USE, packed))
    # on Kafka a header may be null, whatever the client's types say: it comes back as it was
    headers = [(name, cast("bytes", _bytes(value))) for name, value in everything["headers"]]
    return Record(topic, partition, offset, _bytes(everything["key"]), headers, _bytes(everything["value"]))


def _pack(incoming: Incoming) -> bytes:
    headers = pack_headers(incoming.envelope.headers())
    return len(headers).to_bytes(_HEADERS_LENGTH_BYTES) + headers + (incoming.record.value or b"")


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else b64decode(value)


def _is_id(key: str) -> bool:
    try:
        UUID(key)
    except ValueError:
        return False
    return True
