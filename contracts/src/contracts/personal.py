"""Knows what personal data is: a value with a category that nothing can print, and that may have been erased.

`Personal[str, UserInformation]` is the type of every field about a person, in events and in tables alike. Its value
leaves only through `reveal()`, and every caller must handle `ERASED`, because the key may be gone (GDPR Art. 17).
"""

from collections.abc import Callable
from enum import Enum, StrEnum
from typing import Any, ClassVar, Final, Generic, Literal, NewType, TypeAlias, TypeVar, cast, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

SubjectId = NewType("SubjectId", UUID)
"""A random id for one person, drawn at registration. It carries nothing else, and is never re-used or linked."""


class Category(StrEnum):
    """What kind of data it is, and so which key seals it and which clock ends it (promises D1-D7)."""

    USER_INFORMATION = "user_information"
    COMMUNICATION = "communication"
    WEBSITE_USAGE = "website_usage"
    RIGHTS_CASE = "rights_case"
    APPLICATION = "application"


class UserInformation:
    """Marks D1 and D2: contact, home address, login details, date of birth, resume, job interests."""

    category: ClassVar[Category] = Category.USER_INFORMATION


class Communication:
    """Marks D4: mails sent and customer-service conversations."""

    category: ClassVar[Category] = Category.COMMUNICATION


class WebsiteUsage:
    """Marks D3 and D7: device, IP address, pages visited, cookie choices."""

    category: ClassVar[Category] = Category.WEBSITE_USAGE


class RightsCase:
    """Marks D5: requests, complaints, holds and how they were handled."""

    category: ClassVar[Category] = Category.RIGHTS_CASE


class Application:
    """Marks D6: an application and what was sent with it, for the employer that it went to."""

    category: ClassVar[Category] = Category.APPLICATION


class Erased(Enum):
    """What an unreadable value reads as. A value, never an exception (trap 30)."""

    ERASED = "erased"


ERASED: Final = Erased.ERASED
ErasedType: TypeAlias = Literal[Erased.ERASED]

T = TypeVar("T")
C = TypeVar("C", UserInformation, Communication, WebsiteUsage, RightsCase, Application)


class Personal(Generic[T, C]):
    """One personal value, typed with its category; masked where it could be printed, refused where it would be dumped.

    Attributes of `T` are reached through `reveal()` only. Equality and hashing are by value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T | ErasedType) -> None:
        self._value: T | ErasedType = value

    def reveal(self) -> T | ErasedType:
        """The value, or ERASED when its key was destroyed."""
        return self._value

    @property
    def erased(self) -> bool:
        return self._value is ERASED

    def __repr__(self) -> str:
        return "Personal(erased)" if self.erased else "Personal(…)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Personal) and self._value == cast("Personal[Any, Any]", other)._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("Personal values are not pickled: seal them (chassis.sealing)")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        value_type = get_args(source)[0]
        wrap = cast("Callable[[object], Personal[Any, Any]]", cls)
        from_value = core_schema.no_info_after_validator_function(wrap, handler.generate_schema(value_type))
        return core_schema.json_or_python_schema(
            json_schema=from_value,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), from_value]),
            serialization=core_schema.plain_serializer_function_ser_schema(_refuse),
        )


def _refuse(value: object) -> object:
    raise TypeError("Personal fields are never dumped in the clear: seal them (chassis.sealing) or reveal() each")


class PersonalRecord(BaseModel):
    """The personal fields of one table row, all of one category, sealed together as one blob.

    Every field is `Personal[...]`; `name` on the wire and in the blob's associated data is derived from the class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
