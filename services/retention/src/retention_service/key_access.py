"""Which service may make and read keys of which category: reviewed data, enforced on every request to the keyring."""

from collections.abc import Collection, Iterable
from types import MappingProxyType
from typing import Final, NamedTuple

from chassis.keys import LOG_CATEGORY
from chassis.problems import Problem
from contracts.personal import Category


class Access(NamedTuple):
    """What one service may do, besides reading the log's key, which every service needs to publish."""

    make: frozenset[Category] = frozenset()
    read: frozenset[Category] = frozenset()


KEY_ACCESS: Final = MappingProxyType(
    {
        "profile": Access(
            make=frozenset(Category),  # it draws the subject id at registration, and nobody else ever does
            read=frozenset({Category.USER_INFORMATION, Category.APPLICATION}),
        ),
        "notifications": Access(read=frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})),
        "audit-log": Access(read=frozenset({Category.WEBSITE_USAGE})),
        "retention": Access(read=frozenset({Category.RIGHTS_CASE})),
    }
)
"""A service that isn't here may nothing. The audit log keeps everybody's events and can open none of them."""

KEY_CATEGORIES: Final = frozenset({*Category, LOG_CATEGORY})


def may_make(service: str, categories: Iterable[str]) -> None:
    """Refuse, naming the categories, what this service may not make.

    Raises:
        Problem: 403.
    """
    _refuse(_of(service).make, categories, "make")


def may_read(service: str, categories: Iterable[str]) -> None:
    """Refuse, naming the categories, what this service may not read.

    Raises:
        Problem: 403.
    """
    _refuse(_of(service).read | {LOG_CATEGORY} if service in KEY_ACCESS else frozenset(), categories, "read")


def may_know(service: str) -> None:
    """Refuse who may read no key at all: which keys are destroyed is told to those who may hold them.

    Raises:
        Problem: 403.
    """
    if service not in KEY_ACCESS:
        raise Problem(403, "not-allowed", "Not allowed", "This service may not have any key.")


def readable(service: str, category: str) -> bool:
    return category in _of(service).read


def _of(service: str) -> Access:
    return KEY_ACCESS.get(service, Access())


def _refuse(allowed: Collection[str], asked: Iterable[str], verb: str) -> None:
    refused = sorted({str(category) for category in asked if category not in allowed})
    if refused:
        detail = f"This service may not {verb} keys of: {', '.join(refused)}. See retention_service.key_access."
        raise Problem(403, "category-not-allowed", "Not allowed", detail, extensions={"categories": refused})
