"""The JSON Schema of the Kafka headers that `contracts.envelope` writes: CloudEvents 1.0, binary content mode."""

from typing import Final

from contracts.envelope import CONTENT_TYPE, SPEC_VERSION
from contracts.wire_schema import DIALECT, JsonObject

ENVELOPE_PATH: Final = "schemas/envelope.json"

_UUID: Final = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME: Final = r"^[a-z0-9][a-z0-9.\-]{0,99}$"
_BASE64URL: Final = "^[A-Za-z0-9_-]+={0,2}$"

_HEADERS: Final[dict[str, JsonObject]] = {
    "ce_specversion": {"const": SPEC_VERSION},
    "ce_id": {"type": "string", "format": "uuid", "description": "UUIDv7 of the event, made by its publisher."},
    "ce_type": {"type": "string", "pattern": _NAME, "description": "Wire name of the event."},
    "ce_source": {"type": "string", "pattern": _NAME, "description": "The service that published it."},
    "ce_time": {
        "type": "string",
        "format": "date-time",
        "description": "When it happened, by the publisher's clock. Kafka's own timestamp is the broker's business.",
    },
    "ce_dataschema": {
        "type": "string",
        "pattern": r"^schemas/[a-z0-9.\-]+\.json$",
        "description": "The schema of the body, relative to the contracts folder.",
    },
    "content-type": {"const": CONTENT_TYPE},
    "ce_correlationid": {"type": "string", "format": "uuid", "description": "What everything that follows shares."},
    "ce_causationid": {"type": "string", "format": "uuid", "description": "The event that this one follows from."},
    "ce_commitment": {
        "type": "string",
        "pattern": _BASE64URL,
        "description": "HMAC-SHA256(salt, body as sent), for the verifiable log.",
    },
    "ce_salt": {
        "type": "string",
        "pattern": _BASE64URL,
        "description": "The salt of the commitment, sealed: erasure makes the commitment unprovable.",
    },
    "ce_subject": {"type": "string", "format": "uuid", "description": "The one person it is about: a random id."},
    "ce_subjects": {
        "type": "string",
        "pattern": f"^{_UUID}(,{_UUID})+$",
        "description": "The people it is about, when they are several.",
    },
    "traceparent": {"type": "string", "description": "W3C trace context. A hint: a bad one is dropped."},
}
_OPTIONAL: Final = frozenset({"ce_causationid", "ce_subject", "ce_subjects", "traceparent"})


def envelope_schema() -> JsonObject:
    """The schema of the headers, read as text. Headers of others may stand beside them and are ignored."""
    return {
        "$schema": DIALECT,
        "$id": "urn:tillit:schema:envelope",
        "title": "Envelope",
        "description": "Kafka record headers of every event: CloudEvents 1.0 in binary content mode, read as ASCII.",
        "type": "object",
        "properties": {**_HEADERS},
        "required": [name for name in _HEADERS if name not in _OPTIONAL],
        "not": {"required": ["ce_subject", "ce_subjects"]},
    }
