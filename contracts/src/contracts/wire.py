"""The body of an event on the wire: plain fields as JSON, personal fields as one sealed blob per category.

Knows the shape only; sealing is done by whoever holds keys (`chassis.sealing`). A body reads
`{"subject_id": "…", "registered_at": "…", "sealed": ["<base64url blob>"]}`, blobs in the order of their category.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from contracts import base64url
from contracts.event import Event, personal_category
from contracts.personal import ERASED, Category, ErasedType, Personal, PersonalRecord

MAX_BODY_BYTES: Final = 900_000
"""The largest body that may be published, in bytes: below Kafka's default record limit with headers to spare."""

M = TypeVar("M", bound=BaseModel)

_STRICT: Final = ConfigDict(extra="forbid", frozen=True)


class BadBody(ValueError):
    """The body is not what its type promises. The text names fields and kinds of error, never a value (trap 14)."""


class WireBody(NamedTuple):
    """A parsed body: plain field values, and the blobs by category, still sealed."""

    plain: dict[str, Any]
    blobs: dict[Category, bytes]


@dataclass(frozen=True, slots=True)
class WireForm:
    """How one event or record class is split into a plain part and personal parts, and joined again."""

    model: type[Event] | type[PersonalRecord]
    plain: type[BaseModel]
    personal: dict[Category, type[BaseModel]]

    def payload(self, value: BaseModel, category: Category) -> bytes | None:
        """The personal fields of one category as JSON, to be sealed; None when they were erased."""
        fields: dict[str, Any] = {}
        for name in self.personal[category].model_fields:
            revealed = cast("Personal[Any, Any]", getattr(value, name)).reveal()
            if revealed is ERASED:
                return None
            fields[name] = revealed
        part = self.personal[category]
        return part.__pydantic_serializer__.to_json(_construct(part, fields))

    def dump(self, value: BaseModel, blobs: Mapping[Category, bytes]) -> bytes:
        """The body: plain fields, and the sealed blobs."""
        fields = {name: getattr(value, name) for name in self.plain.model_fields if name != "sealed"}
        if self.personal:
            fields["sealed"] = [base64url.encode(blobs[category]).decode() for category in self.personal]
        return self.plain.__pydantic_serializer__.to_json(_construct(self.plain, fields))

    def parse(self, body: bytes) -> WireBody:
        """Validate a body; blobs stay sealed.

        Raises:
            BadBody: malformed JSON, unknown or missing fields, wrong types, a wrong number of blobs.
        """
        try:
            parsed = self.plain.__pydantic_validator__.validate_json(body, strict=True)
        except ValidationError as error:
            raise BadBody(describe(error, self.plain.model_fields)) from None
        plain = parsed.__dict__
        sealed = cast("list[str]", plain.pop("sealed", []))
        if len(sealed) != len(self.personal):
            raise BadBody("sealed: wrong number of blobs")
        try:
            blobs = [base64url.decode(text.encode("ascii")) for text in sealed]
        except ValueError:
            raise BadBody("sealed: not base64url") from None
        return WireBody(plain, dict(zip(self.personal, blobs, strict=True)))

    def join(self, body: WireBody, opened: Mapping[Category, bytes | ErasedType]) -> Event | PersonalRecord:
        """The whole value; fields whose blob could not be opened read as ERASED.

        Raises:
            BadBody: what was sealed is not what the class says.
        """
        fields = dict(body.plain)
        erased: Personal[Any, Any] = Personal(ERASED)
        for category, part in self.personal.items():
            payload = opened[category]
            if payload is ERASED:
                fields.update(dict.fromkeys(part.model_fields, erased))
                continue
            try:
                values = part.__pydantic_validator__.validate_json(payload, strict=True)
            except ValidationError as error:
                raise BadBody(f"sealed {category}: {describe(error, part.model_fields)}") from None
            fields.update({name: Personal(value) for name, value in values.__dict__.items()})
        return _construct(self.model, fields)


def _construct(model: type[M], fields: dict[str, Any]) -> M:
    """`model_construct` for fields that are complete and validated: what it does at last, without its look at aliases
    and defaults, which takes longer than validating."""
    made = model.__new__(model)
    object.__setattr__(made, "__dict__", fields)
    object.__setattr__(made, "__pydantic_fields_set__", set(fields))
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


@cache
def wire_form(model: type[Event] | type[PersonalRecord]) -> WireForm:
    """The form of an event or record class, built once."""
    plain: dict[str, Any] = {}
    personal: dict[Category, dict[str, Any]] = {}
    for name, field in model.model_fields.items():
        category = personal_category(field.annotation)
        if category is None:
            plain[name] = (field.annotation, field)
        else:
            personal.setdefault(category, {})[name] = (_value_type(field.annotation), _revealed_default(field))
    parts = {
        category: create_model(f"{model.__name__}_{category}", __config__=_STRICT, **personal[category])
        for category in sorted(personal)
    }
    if parts:
        plain["sealed"] = (list[str], ...)
    return WireForm(model, create_model(model.__name__, __config__=_STRICT, **plain), parts)


def _value_type(annotation: object) -> object:
    if get_origin(annotation) is not Personal:
        raise TypeError("write Personal[X | None, …], not Personal[X, …] | None: absence is personal data too")
    return get_args(annotation)[0]


def _revealed_default(field: FieldInfo) -> object:
    """A default makes a personal field optional in the blob: so one can be added without a new event."""
    return ... if field.is_required() else cast("Personal[object, Any]", field.default).reveal()


def describe(error: ValidationError, known: Container[str]) -> str:
    """What is wrong, by known field and kind of error: never an input value, nor a name that the input chose."""
    kinds: list[str] = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        field = str(problem["loc"][0]) if problem["loc"] else "body"
        kinds.append(f"{field if field in known or field == 'body' else 'unknown field'}: {problem['type']}")
    return "; ".join(kinds)
