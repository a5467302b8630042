"""Knows when one JSON Schema accepts less than another, and at which field.

It understands the keywords that our models produce and refuses a change of any other (it fails closed).
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, cast

from pydantic import JsonValue

from contracts.wire_schema import JsonObject, json_object


class Change(NamedTuple):
    """One breaking change: the field, with dots and `[]` for what is inside it, and why it breaks."""

    field: str
    reason: str


_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "default", "examples", "deprecated"}
)
_UNDERSTOOD: Final = frozenset(
    {*_LOWER_BOUNDS, *_UPPER_BOUNDS, "type", "enum", "const", "anyOf", "oneOf", "$ref", "items", "prefixItems"}
    | {"properties", "required", "additionalProperties"}
)
_WIDER_TYPES: Final = {"integer": frozenset({"integer", "number"})}


def narrowed(old: JsonObject, new: JsonObject, old_root: JsonObject, new_root: JsonObject, field: str) -> list[Change]:
    """Where `new` refuses what `old` accepted, or lacks a property that `old` named."""
    return _Comparison(old_root, new_root).of(old, new, field)


def reachable(schema: JsonObject) -> list[str]:
    """The names of an object's properties."""
    return list(json_object(schema.get("properties", {})))


class _Comparison:
    """One comparison of two documents; a pair met again on the way down (a recursive model) is not entered again."""

    def __init__(self, old_root: JsonObject, new_root: JsonObject) -> None:
        self._old_definitions = json_object(old_root.get("$defs", {}))
        self._new_definitions = json_object(new_root.get("$defs", {}))
        self._entered: set[tuple[int, int]] = set()

    def of(self, old: JsonObject, new: JsonObject, field: str) -> list[Change]:
        pair = (id(old), id(new))
        if pair in self._entered:
            return []
        self._entered.add(pair)
        try:
            return self._of_resolved(
                _resolved(old, self._old_definitions), _resolved(new, self._new_definitions), field
            )
        finally:
            self._entered.discard(pair)

    def _of_resolved(self, old: JsonObject, new: JsonObject, field: str) -> list[Change]:
        options, accepted = _options(old), _options(new)
        if options[0] is old and accepted[0] is new:
            return self._of_single(old, new, field)
        changes: list[Change] = []
        for option in options:
            changes += self._of_option(option, accepted, field)
        return changes

    def _of_option(self, old: JsonObject, accepted: list[JsonObject], field: str) -> list[Change]:
        """One thing that was accepted must be accepted by something that is."""
        attempts = [self.of(old, new, field) for new in accepted if self._may_match(old, new)]
        if not attempts:
            kind = _resolved(old, self._old_definitions).get("type", "any value")
            return [Change(field or "body", f"the type was narrowed: {kind} is no longer accepted")]
        return min(attempts, key=len)

    def _may_match(self, old: JsonObject, new: JsonObject) -> bool:
        return _same_kind(_resolved(old, self._old_definitions), _resolved(new, self._new_definitions))

    def _of_single(self, old: JsonObject, new: JsonObject, field: str) -> list[Change]:
        here = field or "body"
        if not _same_kind(old, new):
            return [Change(here, f"the type was {old.get('type', 'any value')} and is now {new.get('type')}")]
        changes = [Change(here, reason) for reason in (*_values(old, new), *_bounds(old, new), *_others(old, new))]
        changes += self._properties(old, new, field)
        for keyword, suffix in (("items", "[]"), ("additionalProperties", ".*")):
            changes += self._inner(old.get(keyword, True), new.get(keyword, True), f"{field}{suffix}")
        old_prefix, new_prefix = _list(old.get("prefixItems")), _list(new.get("prefixItems"))
        for place, (before, after) in enumerate(zip(old_prefix, new_prefix, strict=False)):
            changes += self.of(json_object(before), json_object(after), f"{field}[{place}]")
        if len(new_prefix) > len(old_prefix):
            changes.append(Change(here, "more places of the list have a type of their own"))
        return changes

    def _inner(self, old: JsonValue, new: JsonValue, field: str) -> list[Change]:
        if new is True or old is False:
            return []
        if new is False:
            return [Change(field.removesuffix(".*") or "body", "fields that were not named are no longer accepted")]
        before = json_object(old) if isinstance(old, dict) else JsonObject()
        return self.of(before, json_object(new), field)

    def _properties(self, old: JsonObject, new: JsonObject, field: str) -> list[Change]:
        before, after = json_object(old.get("properties", {})), json_object(new.get("properties", {}))
        prefix = f"{field}." if field else ""
        changes = [Change(f"{prefix}{name}", "was removed") for name in before if name not in after]
        for name in _list(new.get("required")):
            if name not in _list(old.get("required")):
                was = "was optional and is now required" if name in before else "is new and required: give it a default"
                changes.append(Change(f"{prefix}{name}", was))
        for name in before:
            if name in after:
                changes += self.of(json_object(before[name]), json_object(after[name]), f"{prefix}{name}")
        return changes


def _values(old: JsonObject, new: JsonObject) -> Iterable[str]:
    before, after = _enumerated(old), _enumerated(new)
    if after is None:
        return
    if before is None:
        yield "only listed values are accepted now"
    elif gone := [value for value in before if value not in after]:
        yield f"values are no longer accepted: {', '.join(map(str, gone))}"


def _bounds(old: JsonObject, new: JsonObject) -> Iterable[str]:
    lower: Callable[[float, float], bool] = float.__gt__
    upper: Callable[[float, float], bool] = float.__lt__
    for keywords, tighter in ((_LOWER_BOUNDS, lower), (_UPPER_BOUNDS, upper)):
        for keyword in keywords:
            after, before = new.get(keyword), old.get(keyword)
            if after is None or after == before:
                continue
            if before is None or tighter(float(cast("float", after)), float(cast("float", before))):
                yield f"{keyword} was narrowed to {after}"


def _others(old: JsonObject, new: JsonObject) -> Iterable[str]:
    for keyword, value in new.items():
        if keyword in _UNDERSTOOD or keyword in _ANNOTATIONS or keyword.startswith("x-"):
            continue
        if old.get(keyword) != value:
            yield f"{keyword} was narrowed or changed"


def _resolved(schema: JsonObject, definitions: JsonObject) -> JsonObject:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    target = json_object(definitions[reference.removeprefix("#/$defs/")])
    return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}


def _options(schema: JsonObject) -> list[JsonObject]:
    """What a schema accepts, one by one: the options of `anyOf` and `oneOf`, and of a list of types."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return [json_object(option) for option in _list(schema[keyword])]
    types = schema.get("type")
    return [{**schema, "type": one} for one in types] if isinstance(types, list) else [schema]


def _enumerated(schema: JsonObject) -> list[JsonValue] | None:
    if "const" in schema:
        return [schema["const"]]
    return _list(schema["enum"]) if "enum" in schema else None


def _same_kind(old: JsonObject, new: JsonObject) -> bool:
    before, after = old.get("type"), new.get("type")
    return after is None or after == before or after in _WIDER_TYPES.get(str(before), ())


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
