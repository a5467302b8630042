"""Which failures pass by themselves, and which texts may be printed.

A transient failure pauses and retries; any other failure of a record parks it. Only the text of a `SafeError` is ever
logged or stored: other exceptions may quote personal data (trap 14).
"""

import asyncpg
from aiokafka.errors import KafkaError

from chassis.logs import SafeError


class KeyringUnavailable(SafeError):
    """The keyring can't be asked now: what needs a key waits (HTTP: 503 with Retry-After)."""


class BeingMade(SafeError):
    """What this would be answered from was lost, and is being made anew of what was kept: wait (HTTP: 503)."""


class SubjectGone(SafeError):
    """The keys that this would need are destroyed, or the person is erased here: nothing about them is written."""


class OffsetMoved(SafeError):
    """Another worker took this partition further: roll back and seek to the database's offset."""


TRANSIENT: tuple[type[BaseException], ...] = (
    KeyringUnavailable,
    BeingMade,
    OSError,
    TimeoutError,
    KafkaError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Failures of the surroundings, not of a record."""


def is_transient(error: BaseException) -> bool:
    """Whether it passes by itself. A value that asyncpg can't encode is an InterfaceError too, but stays wrong."""
    return isinstance(error, TRANSIENT) and not isinstance(error, asyncpg.DataError)


def reason(error: BaseException) -> str:
    """Why it failed, fit for a log, a parked row or a reply: our own text, or the exception's type only."""
    return str(error) if isinstance(error, SafeError) else type(error).__name__
