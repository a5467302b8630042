"""Knows how a file of items is read: bounded, UTF-8, JSON; a failure is told by its place, never by its content.

An item that can't be used becomes a `Rejected` and the rest go on. What makes the whole file unusable is one `Rejected`
without an index.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, NoReturn, TypeAlias, TypeVar, cast

from pydantic import JsonValue, ValidationError

MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MAX_DEPTH: Final = 60
_LONGEST_INTEGER: Final = 18
_MOST_REASONS: Final = 5

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T_co]):
    """A usable item; `ignored_fields` counts the fields of the item that this reader has no use for."""

    index: int
    value: T_co
    ignored_fields: int = 0


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why an item (or, with no index, the file) can't be used: names the field and the fault, never the value."""

    index: int | None
    reason: str


ReadItem: TypeAlias = Parsed[T] | Rejected


class TwiceNamed(dict[str, JsonValue]):
    """An object that names a field twice, which readers of JSON understand differently (RFC 8259, 4)."""


def document_in(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> JsonValue | Rejected:
    """The JSON document in a file, or why there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        return Rejected(None, f"the file can't be read: {error.strerror or type(error).__name__}")
    if len(content) > max_bytes:
        return Rejected(None, f"the file is larger than {max_bytes} bytes: split it")
    return document_of(content)


def document_of(content: bytes) -> JsonValue | Rejected:
    """The JSON document in these bytes, or why there is none; a UTF-8 byte order mark is accepted."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Rejected(None, "the file is UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Rejected(None, f"line {line}: byte {error.start} is not UTF-8: save the file as UTF-8")
    try:
        return cast(
            JsonValue,
            json.loads(
                text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float
            ),
        )
    except json.JSONDecodeError as error:
        return Rejected(None, f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}")
    except _NotANumber:
        return Rejected(None, "not JSON: NaN and Infinity are no numbers in JSON")
    except RecursionError:
        return Rejected(None, "the file nests too deeply")


def structural_fault(item: JsonValue) -> str | None:
    """What no reader should have to think of: objects that name a field twice, and nesting beyond all need."""
    level: list[JsonValue] = [item]
    for _ in range(MAX_DEPTH):
        deeper: list[JsonValue] = []
        for value in level:
            if isinstance(value, TwiceNamed):
                return "an object names the same field twice"
            if isinstance(value, dict):
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
        if not deeper:
            return None
        level = deeper
    return f"nests deeper than {MAX_DEPTH} levels"


def numbered(document: JsonValue) -> Iterator[tuple[int, JsonValue]]:
    """The items of a document that is either a list of them or a single one."""
    if isinstance(document, list):
        yield from enumerate(document)
    else:
        yield 0, document


def ignored_fields(item: Mapping[str, JsonValue], known: Iterable[str]) -> int:
    """How many fields of an item are none of those known."""
    return len(item.keys() - set(known))


def reason_of(error: ValidationError) -> str:
    """What is wrong, field by field, in words that can't contain what the file says.

    Only texts written here or in a validator's own PydanticCustomError pass: pydantic's may quote the input.
    """
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = [_told(path_of(fault["loc"]), _fault(fault["type"], fault["msg"])) for fault in faults[:_MOST_REASONS]]
    if len(faults) > _MOST_REASONS:
        told.append(f"and {len(faults) - _MOST_REASONS} more")
    return "; ".join(told)


def path_of(location: Sequence[int | str]) -> str:
    """A field's place in its item, as in `work[0].startDate`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


OWN_FAULT: Final = "tillit"

_FAULTS: Final = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "is empty",
    "string_too_long": "is too long",
    "too_short": "is empty",
    "too_long": "has too many entries",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
}


def _fault(kind: str, message: str) -> str:
    return message if kind == OWN_FAULT else _FAULTS.get(kind, "is not valid")


def _told(path: str, what: str) -> str:
    return f"{path}: {what}" if path else what


class _NotANumber(Exception):
    """NaN, Infinity or -Infinity stands where JSON wants a number."""


def _refuse_constant(_: str) -> NoReturn:
    raise _NotANumber


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else TwiceNamed(fields)


def _integer(digits: str) -> int | float:
    """Reading an integer costs quadratic time, so beyond 18 digits it is read as the number it is near."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else _float(digits)


def _float(digits: str) -> float:
    """A finite number: JSON has no infinity, and an overflow must not make one."""
    number = float(digits)
    return math.copysign(1.7e308, number) if math.isinf(number) else number
