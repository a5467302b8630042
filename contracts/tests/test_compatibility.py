"""Each breaking change of a schema is refused by the name of its field; what only widens passes."""

import json
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, cast
from uuid import UUID

import pytest
from contracts.compatibility import breaking_changes, breaking_changes_of_all
from contracts.envelope_schema import envelope_schema
from contracts.event import Event
from contracts.personal import Category, Communication, Personal, SubjectId, UserInformation
from contracts.topics import POSITION, PROFILE
from contracts.wire_schema import JsonObject, body_schema
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

Fields = dict[str, Any]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    street: str
    floor: int = 0


class InnerWithoutFloor(BaseModel):
    model_config = ConfigDict(extra="forbid")
    street: str


class InnerWithCity(BaseModel):
    model_config = ConfigDict(extra="forbid")
    street: str
    floor: int = 0
    city: str | None = None


class InnerWithRequiredCity(BaseModel):
    model_config = ConfigDict(extra="forbid")
    street: str
    floor: int = 0
    city: str


class Node(BaseModel):
    model_config = ConfigDict(extra="forbid")
    next: "Node | None" = None


class Two(StrEnum):
    A = "a"
    B = "b"


class Three(StrEnum):
    A = "a"
    B = "b"
    C = "c"


ABSENT = Personal[Any, Any](None)
BEFORE: Fields = {
    "subject_id": SubjectId,
    "other_id": UUID,
    "count": int,
    "kind": Two,
    "place": str,
    "at": AwareDatetime,
    "note": (str | None, None),
    "short": (Annotated[str, Field(max_length=10)], ""),
    "address": Inner,
    "rows": dict[str, int],
    "tags": (tuple[str, ...], ()),
    "chain": (Node | None, None),
    "name": Personal[str, UserInformation],
    "born": Personal[date, UserInformation],
    "home": Personal[Inner | None, UserInformation],
    "message": Personal[str, Communication],
}


def schema(change: Fields, *, without: str = "", **class_arguments: Any) -> JsonObject:
    """The schema of one event class as it was, or as a change makes it."""
    fields = {name: kind for name, kind in {**BEFORE, **change}.items() if name != without}
    arguments = {"topic": PROFILE, "category": Category.USER_INFORMATION, **class_arguments}
    definitions: Fields = {name: kind if isinstance(kind, tuple) else (kind, ...) for name, kind in fields.items()}
    make = cast("Callable[..., type[Event]]", create_model)
    return body_schema(make("ThingHappened", __base__=Event, __cls_kwargs__=arguments, **definitions))


def refused(change: Fields, **others: Any) -> dict[str, str]:
    return dict(breaking_changes(schema({}), schema(change, **others)))


BREAKING: dict[str, tuple[Fields, str, str]] = {
    "a new required field": ({"extra": str}, "extra", "is new and required"),
    "a new required personal field": ({"nick": Personal[str, UserInformation]}, "nick", "is new and required"),
    "an optional field made required": ({"note": str | None}, "note", "is now required"),
    "an optional text that may no longer be null": ({"note": (str, "")}, "note", "null is no longer accepted"),
    "another type": ({"count": str}, "count", "the type was integer and is now"),
    "a number made narrower": ({"count": bool}, "count", "the type was integer and is now"),
    "a text made a UUID": ({"place": UUID}, "place", "format was narrowed"),
    "a time made a date": ({"at": date}, "at", "format was narrowed"),
    "a new lower bound": ({"count": Annotated[int, Field(ge=0)]}, "count", "minimum was narrowed"),
    "a lower upper bound": ({"short": (Annotated[str, Field(max_length=9)], "")}, "short", "maxLength was narrowed"),
    "a new pattern": ({"place": Annotated[str, Field(pattern="^x")]}, "place", "pattern was narrowed"),
    "an item type": ({"tags": (tuple[UUID, ...], ())}, "tags[]", "format was narrowed"),
    "a value type": ({"rows": dict[str, str]}, "rows.*", "the type was integer and is now"),
    "a list that must hold something": (
        {"tags": (Annotated[tuple[str, ...], Field(min_length=1)], ())},
        "tags",
        "minItems was narrowed",
    ),
    "a list made a set": ({"tags": (frozenset[str], frozenset())}, "tags", "uniqueItems was narrowed"),
    "a field inside removed": ({"address": InnerWithoutFloor}, "address.floor", "was removed"),
    "a required field inside": ({"address": InnerWithRequiredCity}, "address.city", "is new and required"),
    "a personal field of another format": ({"born": Personal[UUID, UserInformation]}, "born", "format was narrowed"),
    "a personal field that may no longer be absent": (
        {"home": Personal[Inner, UserInformation]},
        "home",
        "null is no longer accepted",
    ),
    "a field inside a personal field removed": (
        {"home": Personal[InnerWithoutFloor | None, UserInformation]},
        "home.floor",
        "was removed",
    ),
    "a personal field in the clear": ({"name": str}, "name", "would travel in the clear"),
    "a plain field sealed": ({"place": Personal[str, UserInformation]}, "place", "was plain and would be sealed"),
    "a personal field of another category": (
        {"name": Personal[str, Communication]},
        "name",
        "moved from category user_information to communication",
    ),
    "the last personal field of a category in the clear": ({"message": str}, "message", "would travel in the clear"),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_breaking_change_is_refused_by_the_name_of_its_field(change: str) -> None:
    fields, field, reason = BREAKING[change]
    found = refused(fields)

    assert field in found, found
    assert reason in found[field]
    assert len(found) == (2 if "last personal field" in change else 1)


@pytest.mark.parametrize("name", [name for name in BEFORE if name not in ("subject_id", "message")])
def test_a_removed_field_is_refused_by_name(name: str) -> None:
    assert refused({}, without=name) == {name: "was removed"}


def test_the_removal_of_the_last_field_of_a_category_is_refused_with_its_blob() -> None:
    assert refused({}, without="message") == {"sealed.communication": "the blob of this category was removed"}


def test_a_value_that_is_no_longer_listed_is_refused_by_name() -> None:
    before = schema({"kind": Three})

    assert breaking_changes(before, schema({})) == [("kind", "values are no longer accepted: c")]
    assert refused({"place": Two}) == {"place": "only listed values are accepted now"}


@pytest.mark.parametrize(
    ("arguments", "field", "reason"),
    [
        ({"topic": POSITION}, "x-topic", "the topic changed"),
        ({"key": "other_id"}, "x-key", "the record key changed"),
        ({"category": Category.COMMUNICATION}, "x-category", "the category changed"),
    ],
    ids=["topic", "key", "category"],
)
def test_another_topic_key_or_category_is_refused(arguments: Fields, field: str, reason: str) -> None:
    found = refused({}, **arguments)

    assert list(found) == [field]
    assert reason in found[field]


def test_another_set_of_people_is_refused() -> None:
    sealed: tuple[str, ...] = ("name", "born", "home", "message")
    plain: Fields = dict.fromkeys(sealed, UUID)
    before, after = schema(plain), schema({**plain, "other_id": SubjectId})

    assert breaking_changes(before, after) == [
        ("x-subjects", "the people it is about are named by other fields: other keys, other locks")
    ]


def test_a_new_field_of_a_new_category_is_refused_because_older_records_have_no_such_blob() -> None:
    before = schema({}, without="message")

    assert breaking_changes(before, schema({})) == [
        ("sealed.communication", "a blob of a new category: older records have none")
    ]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"extra": (str | None, None)},
        {"nick": (Personal[str | None, UserInformation], ABSENT)},
        {"count": float},
        {"kind": Three},
        {"kind": str},
        {"place": str | None},
        {"place": (str, "")},
        {"place": str | int},
        {"note": (str | int | None, None)},
        {"other_id": str},
        {"short": (Annotated[str, Field(max_length=11)], "")},
        {"short": (str, "")},
        {"address": InnerWithCity},
        {"address": Inner | None},
        {"address": Inner | InnerWithRequiredCity},
        {"born": Personal[date | None, UserInformation]},
        {"home": Personal[InnerWithCity | None, UserInformation]},
    ],
    ids=repr,
)
def test_what_only_widens_passes(change: Fields) -> None:
    assert refused(change) == {}


def test_words_and_defaults_are_not_part_of_the_promise() -> None:
    changed = {**schema({"short": (Annotated[str, Field(max_length=10, description="new words")], "x")}), "title": "T"}

    assert breaking_changes(schema({}), changed) == []


def test_a_keyword_that_the_check_does_not_know_is_refused_rather_than_passed() -> None:
    old: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}}
    new: JsonObject = {"type": "object", "properties": {"a": {"type": "string", "contentMediaType": "text/html"}}}

    assert breaking_changes(old, new) == [("a", "contentMediaType was narrowed or changed")]


def test_a_narrower_header_of_the_envelope_is_refused_by_name() -> None:
    new = json.loads(json.dumps(envelope_schema()))
    new["required"].append("traceparent")
    new["properties"]["ce_specversion"] = {"const": "2.0"}

    assert dict(breaking_changes(envelope_schema(), new)) == {
        "traceparent": "was optional and is now required",
        "ce_specversion": "values are no longer accepted: 1.0",
    }


def test_a_removed_event_is_refused_and_a_new_one_passes() -> None:
    assert breaking_changes_of_all({"schemas/a.v1.json": schema({})}, {}) == {
        "schemas/a.v1.json": [("body", "the event was removed")]
    }
    assert breaking_changes_of_all({}, {"schemas/a.v1.json": schema({})}) == {}
