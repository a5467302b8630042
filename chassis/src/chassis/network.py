"""No network I/O inside a database transaction: a slow peer must never hold a person's row.

Every client that the chassis hands out (keyring, HTTP, mail, broker) asks here before it sends.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)


class NetworkInTransaction(AssertionError):
    """Code asked the network while it held locks. Do it before the transaction, or in an errand."""


@contextmanager
def transaction_scope() -> Generator[None]:
    """Marks this task as holding a transaction.

    Raises:
        NetworkInTransaction: it holds one already; a second connection could deadlock with the first.
    """
    refuse_in_transaction("a second database transaction")
    token = _in_transaction.set(True)
    try:
        yield
    finally:
        _in_transaction.reset(token)


def refuse_in_transaction(what: str) -> None:
    """Raise NetworkInTransaction when this task holds a transaction; `what` names the call in the message."""
    if _in_transaction.get():
        raise NetworkInTransaction(f"{what} inside a database transaction: move it before the transaction")
