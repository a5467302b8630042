"""Answers 503, never a null, when keys can't be used: a lost key-encryption key or ledger is an outage, not an erasure."""

from collections.abc import Generator
from contextlib import contextmanager

from chassis.errors import TRANSIENT, reason
from chassis.logs import get_logger
from chassis.problems import unavailable

from retention_service.destroyed_ledger import BadLedger
from retention_service.kek import BadKeks

_log = get_logger()


@contextmanager
def closed() -> Generator[None]:
    """What runs inside finds its keys, or its caller is told to come back.

    Raises:
        Problem: 503; the log says what to do.
    """
    try:
        yield
    except (BadKeks, BadLedger) as error:
        _log.critical("keyring.broken", error=str(error))
        raise unavailable("keyring", retry_after_seconds=60) from None
    except TRANSIENT as error:
        _log.warning("keyring.waits", error=reason(error))
        raise unavailable("keyring") from None
