"""The JSON Schema (2020-12) of an event's body on the wire, with what its sealed blobs hold under `x-sealed`.

Everything that two services must agree on is in it: `contracts.compatibility` compares nothing else.
"""

import inspect
from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import GenerateJsonSchema

from contracts.envelope import dataschema
from contracts.event import Event
from contracts.wire import wire_form

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON document or a part of one; JSON Schema and AsyncAPI are written in nothing else."""


class _BareSchema(GenerateJsonSchema):
    """Without a title per field: it only repeats the name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def schema_id(event_type: str) -> str:
    """The `$id` of the body's schema. A name, not an address: the file is at `contracts.envelope.dataschema`."""
    return f"urn:tillit:schema:{event_type}"


def body_schema(event: type[Event]) -> JsonObject:
    """The schema of one event's body. The same event gives the same document, in the same order."""
    form = wire_form(event)
    plain = _model_schema(form.plain)
    definitions = json_object(plain.pop("$defs", {}))
    sealed: JsonObject = {}
    for category, part in form.personal.items():
        payload = _model_schema(part)
        _merge(definitions, json_object(payload.pop("$defs", {})))
        sealed[category.value] = {
            "description": f"What the blob sealed under the subject's {category.value} key holds.",
            **{key: value for key, value in payload.items() if key != "title"},
        }
    properties = json_object(plain["properties"])
    if sealed:
        properties["sealed"] = {
            "type": "array",
            "description": f"The personal fields, one sealed blob per category, in this order: {', '.join(sealed)}.",
            "items": {"type": "string", "contentEncoding": "base64url"},
            "minItems": len(sealed),
            "maxItems": len(sealed),
        }
    schema: JsonObject = {
        "$schema": DIALECT,
        "$id": schema_id(event.type),
        "title": event.__name__,
        "description": inspect.cleandoc(event.__doc__ or ""),
        "x-topic": event.topic.name,
        "x-key": event.key_field,
        "x-subjects": list(event.subject_fields),
        "x-category": event.category.value if event.category else None,
        "x-privacy-protocol": event.privacy_protocol,
        "type": "object",
        "properties": properties,
        "required": plain.get("required", []),
        "additionalProperties": False,
    }
    if sealed:
        schema["x-sealed"] = sealed
    if definitions:
        schema["$defs"] = dict(sorted(definitions.items()))
    return schema


def body_schemas(events: tuple[type[Event], ...]) -> dict[str, JsonObject]:
    """The schema of every event, by the path of its file below the contracts folder."""
    return {dataschema(event.type): body_schema(event) for event in events}


def json_object(value: JsonValue) -> JsonObject:
    """The value, which must be a JSON object."""
    if not isinstance(value, dict):
        raise TypeError("a JSON object was expected")
    return cast("JsonObject", value)


def _model_schema(model: type[BaseModel]) -> JsonObject:
    return cast("JsonObject", model.model_json_schema(schema_generator=_BareSchema))


def _merge(into: JsonObject, definitions: Mapping[str, JsonValue]) -> None:
    for name, definition in definitions.items():
        if into.setdefault(name, definition) != definition:
            raise ValueError(f"two different models of one event are called {name}: rename one")
