"""Which service may make and read keys of which scope: reviewed data, enforced on every request to the keyring.

A scope is a category, or of what single things a key is (`chassis.scoped_keys`): whoever may read `application` may read
`application:<uuid>`. Keys of holds and of copies are made by this service itself, in the transaction that needs them.
"""

from collections.abc import Collection, Iterable
from types import MappingProxyType
from typing import Final, NamedTuple

from chassis.problems import Problem
from chassis.scoped_keys import LOG_CATEGORY, Scope, scope_of
from contracts.personal import Category


class Access(NamedTuple):
    """What one service may do, besides reading the log's key, which every service needs to publish."""

    make: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()


KEY_ACCESS: Final = MappingProxyType(
    {
        "profile": Access(
            make=frozenset(Category),  # it draws the subject id at registration, and nobody else ever does
            read=frozenset({Category.USER_INFORMATION, Category.APPLICATION, Scope.HOLD}),
        ),
        "notifications": Access(
            # rights_case: what the last mail to an erased person says
            read=frozenset({Category.USER_INFORMATION, Category.COMMUNICATION, Category.RIGHTS_CASE, Scope.HOLD})
        ),
        "audit-log": Access(read=frozenset({Category.WEBSITE_USAGE})),
        "retention": Access(read=frozenset({Category.RIGHTS_CASE, Scope.HOLD, Scope.EXPORT})),
    }
)
"""A service that isn't here may nothing. The audit log keeps everybody's events and can open none of them; so it holds
nothing back either, and may not read the keys of holds."""


def may_make(service: str, names: Iterable[str]) -> None:
    """Refuse, naming the scopes, what this service may not make.

    Raises:
        Problem: 403.
    """
    _refuse(_of(service).make, names, "make")


def may_read(service: str, names: Iterable[str]) -> None:
    """Refuse, naming the scopes, what this service may not read.

    Raises:
        Problem: 403.
    """
    _refuse(_of(service).read | {LOG_CATEGORY} if service in KEY_ACCESS else frozenset(), names, "read")


def may_know(service: str) -> None:
    """Refuse who may read no key at all: which keys are destroyed is told to those who may hold them.

    Raises:
        Problem: 403.
    """
    if service not in KEY_ACCESS:
        raise Problem(403, "not-allowed", "Not allowed", "This service may not have any key.")


def readable(service: str, name: str) -> bool:
    """Whether this service may read the key of this name."""
    return scope_of(name) in _of(service).read


def _of(service: str) -> Access:
    return KEY_ACCESS.get(service, Access())


def _refuse(allowed: Collection[str], asked: Iterable[str], verb: str) -> None:
    refused = sorted({scope_of(name) for name in asked} - {str(scope) for scope in allowed})
    if refused:
        detail = f"This service may not {verb} keys of: {', '.join(refused)}. See retention_service.key_access."
        raise Problem(403, "category-not-allowed", "Not allowed", detail, extensions={"categories": refused})
