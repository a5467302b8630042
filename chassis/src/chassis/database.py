"""The service's own PostgreSQL: one way to open a transaction, which locks the people it is about before anything else."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import asyncpg
from contracts.personal import SubjectId
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis import subjects
from chassis.clock import Clock, new_id
from chassis.keys import KeyName, KeySet, SubjectKeys
from chassis.network import transaction_scope
from chassis.records import Cause
from chassis.sql import borrow
from chassis.telemetry import inject
from chassis.transaction import Transaction
from chassis.wakeups import Wakeups

LOCK_TIMEOUT: Final = timedelta(seconds=4)
"""How long a transaction waits for a person's row: below the broker's session timeout (10 s)."""
STATEMENT_TIMEOUT: Final = timedelta(seconds=8)
IDLE_IN_TRANSACTION_TIMEOUT: Final = timedelta(seconds=10)
"""A frozen process loses its transaction, and with it the locks it holds."""


async def connect_pool(dsn: str, *, size: int) -> asyncpg.Pool:
    """A pool whose sessions can't hold anybody up for long; no connection is made before the first is needed."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        max_inactive_connection_lifetime=60,
        command_timeout=STATEMENT_TIMEOUT.total_seconds() + 2,
        timeout=5,
        reset=_nothing_to_reset,
        server_settings={
            "lock_timeout": _milliseconds(LOCK_TIMEOUT),
            "statement_timeout": _milliseconds(STATEMENT_TIMEOUT),
            "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_TIMEOUT),
            "timezone": "UTC",
            "jit": "off",
        },
    )


async def _nothing_to_reset(connection: object) -> None:
    """The client itself ends a transaction left open. We leave nothing else in a session, and its own clean-up would be a
    round trip for each of ours."""


def _milliseconds(time: timedelta) -> str:
    return str(int(time.total_seconds() * 1000))


class Database:
    """Transactions of one service. The pool is given, opened and closed by the service."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        keys: SubjectKeys,
        clock: Clock,
        wakeups: Wakeups,
        source: str,
        signing_key: Ed25519PrivateKey,
        topic_prefix: str = "",
    ) -> None:
        self.pool = pool
        self.keys = keys
        self.clock = clock
        self._wakeups = wakeups
        self._source = source
        self._signing_key = signing_key
        self._topic_prefix = topic_prefix

    def cause(self) -> Cause:
        """A new chain of events that starts here, in the trace that is being recorded, if there is one."""
        return Cause(correlation_id=new_id(self.clock), traceparent=inject())

    @asynccontextmanager
    async def transaction(
        self,
        about: Iterable[SubjectId] = (),
        *,
        cause: Cause | None = None,
        keys: Sequence[KeyName] | KeySet | None = None,
    ) -> AsyncGenerator[Transaction]:
        """A transaction about these people: keys are fetched first, then their rows are locked, in sorted order.

        Args:
            about: everybody whose data it reads to change, changes, or publishes about.
            cause: what led to it; a new correlation when none.
            keys: the keys it needs, or those already fetched. By default all that this service may have of `about`,
                and the log's. Pass `()` when nothing is sealed, opened or published.

        Raises:
            KeyringUnavailable: a key is needed that is not cached, and the keyring can't be asked now.
        """
        people = list(about)
        names = self.keys.names_for(people) if keys is None else keys
        at_hand = names if isinstance(names, KeySet) else await self.keys.fetch(names)
        with transaction_scope():
            async with borrow(self.pool) as connection, connection.transaction():
                states = await subjects.lock(connection, people)
                tx = Transaction(
                    connection,
                    clock=self.clock,
                    keys=at_hand,
                    states=states,
                    cause=cause or self.cause(),
                    source=self._source,
                    topic_prefix=self._topic_prefix,
                    signing_key=self._signing_key,
                )
                yield tx
                woken = await tx.flush()
        self._wakeups.wake(woken)
        for hook in tx.after_commit:
            outcome = hook()
            if outcome is not None:
                await outcome
