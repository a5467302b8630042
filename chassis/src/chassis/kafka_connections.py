"""Keeps a client that lost its connection going, and finds out one that has ended all the same.

A connection that broke while it was written to becomes the client's own error for it, which it gets over: uvloop refuses to
write to a closed transport with RuntimeError, where asyncio writes to nowhere, and the client knows OSError only. A reset
at that moment ended what keeps its place in the group, and the process went on without taking anything in.
"""

import asyncio
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

from chassis.errors import reason
from chassis.logs import SafeError

_send: Final[Any] = AIOKafkaConnection.send  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def survive_broken_connections() -> None:
    """From now on every client of this process takes a closed transport for a broken connection."""
    AIOKafkaConnection.send = _send_or_break  # pyright: ignore[reportAttributeAccessIssue] - the client has no setting for it


def _send_or_break(self: Any, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send(self, request, expect_response)
    except RuntimeError as error:
        self.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError("the connection to the broker broke while it was written to") from error


class ClientEnded(SafeError):
    """Nobody keeps the client's place in its group any more, and nobody will: the process must begin anew."""


def refuse_ended(consumer: AIOKafkaConsumer) -> None:
    """Notice what the client itself tells only who polls, and FastStream polls again, for ever.

    Raises:
        ClientEnded: the task that keeps the consumer in its group ended with an error.
    """
    coordinator = cast("Any", consumer)._coordinator
    task = cast("asyncio.Task[None] | None", getattr(coordinator, "_coordination_task", None))
    if task is not None and task.done() and not task.cancelled() and (error := task.exception()) is not None:
        raise ClientEnded(f"the Kafka client lost its place in its group ({reason(error.__cause__ or error)})")
