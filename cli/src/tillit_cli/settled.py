"""Knows when nothing is under way any more: everything published was sent, read and acted on."""

import asyncio
from typing import Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from chassis.clock import monotonic
from contracts.topics import TOPICS
from local_stack.stack import StackInfo

from tillit_cli.operator_calls import Operator
from tillit_cli.proof.kafka_records import consumer_groups, partitions_of

_BUSY: Final = frozenset({"job_alert", "mail", "recipient_mail", "recipient_has_mail", "final_deletion"})
"""Kinds of work that are done as soon as they are due; others wait for a time, or come again and again."""
PAUSE: Final = 0.1
_QUIET_LOOKS: Final = 2
"""One look is no snapshot: what moves from one service to the next while it lasts can hide from it once."""


class NotSettled(Exception):
    """Something was still under way when the bound was over; the text says what."""


async def wait_until_settled(info: StackInfo, operator: Operator, *, seconds: float) -> None:
    """Return when every outbox is empty, every record on Kafka was read, and no mail or deletion is due.

    Raises:
        NotSettled: naming what is not done.
    """
    deadline = monotonic() + seconds
    partitions = await partitions_of(info.kafka_bootstrap, TOPICS)
    groups = await consumer_groups(info.kafka_bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=info.kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        quiet = 0
        while quiet < _QUIET_LOOKS:
            waiting = await _under_way(consumer, operator, partitions, groups)
            quiet = quiet + 1 if waiting is None else 0
            if waiting is not None and monotonic() > deadline:
                raise NotSettled(f"after {seconds:.0f} s: {waiting}")
            await asyncio.sleep(PAUSE)
    finally:
        await consumer.stop()


async def _under_way(
    consumer: AIOKafkaConsumer, operator: Operator, partitions: list[TopicPartition], groups: set[str]
) -> str | None:
    statuses = await operator.statuses()
    for status in statuses:
        if status.outbox_rows > 0:
            return f"{status.service} has {status.outbox_rows} events to send"
        busy = {kind: count for kind, count in status.work.items() if kind in _BUSY and count}
        if busy:
            return f"{status.service} has work to do: {busy}"
    ends = await _ends(consumer, partitions)
    for status in statuses:
        for place, end in ends.items():
            read = status.offsets.get(place, 0)
            if read < end and f"{status.service}.{place.rpartition('/')[0]}" in groups:
                return f"{status.service} has read {place} up to {read} of {end}"
    return None


async def _ends(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> dict[str, int]:
    ends = cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions))
    return {f"{at.topic}/{at.partition}": end for at, end in ends.items()}
