"""Waits for records where FastStream would sleep: a poll that finds nothing costs it as long again as it waited."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition


def poll_until_records(consumer: AIOKafkaConsumer) -> None:
    """From now on `getmany` ends with records only, or with the client's own error when it is stopped."""
    poll = cast("Callable[..., Awaitable[Mapping[TopicPartition, object]]]", consumer.getmany)

    async def getmany(**options: Any) -> Mapping[TopicPartition, object]:
        while not (records := await poll(**options)):
            pass
        return records

    vars(consumer)["getmany"] = getmany
