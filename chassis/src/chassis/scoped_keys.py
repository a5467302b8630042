"""Names of keys: one per person and category, or one of a single thing (`application:<uuid>`), read in one place.

A key of a single thing dies with that thing, whatever becomes of the person's others. Who may have a key, and what is
counted, goes by its scope: the category, or what stands before the colon. So no measure grows with what people do.
"""

import re
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.personal import Category

from chassis.logs import SafeError

LOG_CATEGORY: Final = "log"


class Scope(StrEnum):
    """Of which single things there are keys."""

    APPLICATION = Category.APPLICATION.value
    """One application: it dies with the category `application` of its person, or alone when the employer's period ends."""
    HOLD = "hold"
    """What is held back of an erasure (R5): it dies when the hold is lifted, and with no category."""
    EXPORT = "export"
    """A copy that waits for its person (A2): it dies when it was fetched, and with no category."""


_WHOLE: Final = frozenset({*Category, LOG_CATEGORY})
_SINGLE: Final = re.compile(
    rf"({'|'.join(Scope)}):([0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}})"
)


class BadKeyName(SafeError):
    """No key is named so."""


def single(scope: Scope, thing: UUID) -> str:
    """The name of one thing's key, as it stands where a category stands."""
    return f"{scope}:{thing}"


def scope_of(name: str) -> str:
    """The category, or of what the key is.

    Raises:
        BadKeyName: it is neither a category nor a scope with the id of a thing, as `single` writes it.
    """
    if name in _WHOLE:
        return name
    match = _SINGLE.fullmatch(name)
    if match is None:
        raise BadKeyName("a key is named by a category, or by application:, hold: or export: and the id of one thing")
    return match[1]


def is_single(name: str) -> bool:
    """Whether it is the key of a single thing."""
    return _SINGLE.fullmatch(name) is not None
