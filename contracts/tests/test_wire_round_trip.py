"""What every event class guarantees on the wire, for any value that its annotations allow."""

import json
import traceback
import types
from datetime import date, datetime, timedelta, timezone
from enum import Enum
from typing import Any, Union, cast, get_args, get_origin
from uuid import UUID, uuid4

import jsonschema_rs
import pytest
from contracts.event import Event
from contracts.personal import ERASED, Category, Personal, SubjectId
from contracts.registry import EVENTS
from contracts.wire import BadBody, WireForm, wire_form
from contracts.wire_schema import JsonObject, body_schema, json_object
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, JsonValue

each_event = pytest.mark.parametrize("event_class", EVENTS, ids=lambda event: event.type)

OFFSETS = [timezone(timedelta(minutes=minutes)) for minutes in (-570, 0, 60, 330)]
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.sampled_from(OFFSETS))  # noqa: DTZ001
SCALARS: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(max_size=40),
    int: st.integers(0, 2**63),
    UUID: st.uuids(),
    SubjectId: st.uuids(),
    date: st.dates(),
    datetime: MOMENTS,
    AwareDatetime: MOMENTS,
    type(None): st.none(),
}


def values_of(annotation: object) -> st.SearchStrategy[Any]:
    """Any value that a field of this annotation may hold."""
    if annotation in SCALARS:
        return SCALARS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Personal:
        return values_of(arguments[0]).map(lambda value: cast("object", Personal[Any, Any](value)))
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(option) for option in arguments])
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(values_of(arguments[0]), max_size=3)
    if origin is dict:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return models_of(annotation)
    raise TypeError(f"teach values_of what a {annotation} may be")


def models_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    fields = {name: values_of(field.annotation) for name, field in model.model_fields.items()}
    return st.builds(model, **fields)


def unsealed(form: WireForm, event: Event) -> dict[Category, bytes]:
    """Payloads where blobs go: what seals them is the chassis' business, the form is the same."""
    blobs: dict[Category, bytes] = {}
    for category in form.personal:
        payload = form.payload(event, category)
        assert payload is not None
        blobs[category] = payload
    return blobs


def payload_schema(schema: JsonObject, category: Category) -> JsonObject:
    return {**json_object(json_object(schema["x-sealed"])[category.value]), "$defs": schema.get("$defs", {})}


@each_event
@given(data=st.data())
def test_an_event_read_from_the_wire_equals_the_one_written(event_class: type[Event], data: st.DataObject) -> None:
    event = cast("Event", data.draw(models_of(event_class)))
    form = wire_form(event_class)
    blobs = unsealed(form, event)

    body = form.parse(form.dump(event, blobs))

    assert body.blobs == blobs
    assert form.join(body, body.blobs) == event


@each_event
@given(data=st.data())
def test_a_written_event_satisfies_its_schema(event_class: type[Event], data: st.DataObject) -> None:
    event = cast("Event", data.draw(models_of(event_class)))
    form, schema = wire_form(event_class), body_schema(event_class)
    blobs = unsealed(form, event)

    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(json.loads(form.dump(event, blobs)))
    for category, payload in blobs.items():
        inside = jsonschema_rs.Draft202012Validator(payload_schema(schema, category), validate_formats=True)
        inside.validate(json.loads(payload))


@each_event
@given(data=st.data())
def test_an_event_whose_key_is_gone_reads_as_erased_and_keeps_its_plain_fields(
    event_class: type[Event], data: st.DataObject
) -> None:
    event = cast("Event", data.draw(models_of(event_class)))
    form = wire_form(event_class)
    body = form.parse(form.dump(event, unsealed(form, event)))

    read = form.join(body, dict.fromkeys(form.personal, ERASED))

    for name in event_class.model_fields:
        if name in event_class.personal_fields:
            assert cast("Personal[Any, Any]", getattr(read, name)).erased
        else:
            assert getattr(read, name) == getattr(event, name)
    assert [form.payload(read, category) for category in form.personal] == [None] * len(form.personal)


@each_event
def test_no_personal_field_is_in_the_plain_part(event_class: type[Event]) -> None:
    assert not event_class.personal_fields.keys() & wire_form(event_class).plain.model_fields.keys()


def with_marker(document: JsonValue, marker: str, data: st.DataObject) -> JsonValue:
    """The document with the marker at a random place: as a value, as a name, or instead of a part."""
    if isinstance(document, dict) and data.draw(st.booleans()):
        return {**document, marker: marker}
    if isinstance(document, dict) and document and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(document)))
        return {**document, name: with_marker(document[name], marker, data)}
    if isinstance(document, list) and document and data.draw(st.booleans()):
        return [with_marker(document[0], marker, data), *document[1:]]
    return data.draw(st.sampled_from([marker, [marker], {marker: marker}]))


def refusal_of(form: WireForm, body: bytes, blobs: dict[Category, bytes]) -> str:
    """All that a log could say of the refusal; empty when it was accepted."""
    try:
        form.join(form.parse(body), blobs)
    except BadBody as error:
        return "".join(traceback.format_exception(error)) + repr(error)
    return ""


@each_event
@given(data=st.data())
def test_the_refusal_of_a_bad_body_never_repeats_anything_of_it(event_class: type[Event], data: st.DataObject) -> None:
    event = cast("Event", data.draw(models_of(event_class)))
    form, marker = wire_form(event_class), f"zq{uuid4().hex}"
    blobs = unsealed(form, event)
    body = form.dump(event, blobs)

    spoilt = json.dumps(with_marker(json.loads(body), marker, data)).encode()
    assert marker not in refusal_of(form, spoilt, blobs)

    cut = data.draw(st.integers(0, len(body) - 1))
    torn = refusal_of(form, body[:cut] + marker.encode(), blobs)
    assert torn
    assert marker not in torn

    for category, payload in blobs.items():
        spoilt_payload = json.dumps(with_marker(json.loads(payload), marker, data)).encode()
        assert marker not in refusal_of(form, body, {**blobs, category: spoilt_payload})
