"""Knows what an event is: a frozen fact with a derived wire name, one topic, one key, and the people it is about.

A wire name is derived from the class name (`ErasureRequested` -> `erasure.requested.v1`); a breaking change is a new
class with a `V2` suffix beside the old one.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar, Unpack, cast, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.personal import Category, Personal, SubjectId
from contracts.topics import Topic

_WORD = re.compile(r"[A-Z][a-z0-9]*")
_VERSION = re.compile(r"V(\d+)$")


def wire_name(class_name: str) -> str:
    """`JobInterestSaved` -> `job.interest.saved.v1`; `PositionPublishedV2` -> `position.published.v2`."""
    version = _VERSION.search(class_name)
    stem = class_name[: version.start()] if version else class_name
    return ".".join([*(word.lower() for word in _WORD.findall(stem)), f"v{version.group(1) if version else 1}"])


def _is_union_of(annotation: object, matches: Callable[[object], bool]) -> bool:
    return matches(annotation) or any(matches(option) for option in get_args(annotation))


def personal_category(annotation: object) -> Category | None:
    """The category of a field annotated `Personal[...]` or `Personal[...] | None`; None for a plain field."""
    for option in (annotation, *get_args(annotation)):
        if get_origin(option) is Personal:
            return cast("Category", get_args(option)[1].category)
    return None


class Event(BaseModel):
    """A fact, as published. Subclasses name their `topic`; `key` is `subject_id` unless they say another field.

    Class arguments:
        topic: where it is published.
        key: the field whose value is the record key.
        category: which clock and key the event follows when it concerns a person but has no personal field.
        privacy_protocol: part of erasure, restriction or holding: it passes the guard for erased people, is sent only
            after every older row of the outbox, and never waits behind a parked event.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: ClassVar[str]
    topic: ClassVar[Topic]
    key_field: ClassVar[str]
    category: ClassVar[Category | None]
    privacy_protocol: ClassVar[bool]
    subject_fields: ClassVar[tuple[str, ...]]
    personal_fields: ClassVar[dict[str, Category]]

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        topic: Topic,
        key: str = "subject_id",
        category: Category | None = None,
        privacy_protocol: bool = False,
        **kwargs: Unpack[ConfigDict],
    ) -> None:
        cls.type = wire_name(cls.__name__)
        cls.topic = topic
        cls.key_field = key
        cls.privacy_protocol = privacy_protocol
        annotations = {name: field.annotation for name, field in cls.model_fields.items()}
        if key not in annotations:
            raise TypeError(f"{cls.__name__}: the key field {key!r} does not exist; pass key=<field> in the class line")
        cls.subject_fields = tuple(
            name for name, annotation in annotations.items() if _is_union_of(annotation, lambda a: a is SubjectId)
        )
        cls.personal_fields = {
            name: found for name, annotation in annotations.items() if (found := personal_category(annotation))
        }
        categories = set(cls.personal_fields.values())
        if categories and len(cls.subject_fields) != 1:
            raise TypeError(f"{cls.__name__}: personal fields need exactly one SubjectId field, whose keys seal them")
        if category is None and len(categories) == 1:
            category = next(iter(categories))
        if category is None and cls.subject_fields:
            raise TypeError(f"{cls.__name__} is about a person: name its category= in the class line (promise L4)")
        cls.category = category

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__()

    @property
    def key(self) -> str:
        """The record key: every event with this key on its topic keeps its order."""
        return str(getattr(self, self.key_field))

    def subjects(self) -> tuple[SubjectId, ...]:
        """The people this event is about, without repeats, in sorted order."""
        values = [getattr(self, name) for name in self.subject_fields]
        if len(values) == 1 and isinstance(values[0], UUID):
            return (SubjectId(values[0]),)
        found: set[UUID] = set()
        for value in values:
            if isinstance(value, UUID):
                found.add(value)
            elif value is not None:
                found.update(value)
        return tuple(SubjectId(subject) for subject in sorted(found))
