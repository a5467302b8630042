"""Makes the topics that `contracts.topics` names, and nothing else: an auto-created topic would hide a typo."""

from datetime import timedelta
from typing import Final, NamedTuple, cast

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from contracts.topics import TOPICS

from chassis.logs import SafeError

_EXISTS: Final = 36


class _CreateTopicsResponse(NamedTuple):
    """The part of aiokafka's untyped answer that is read: name, error code, and more, per topic."""

    topic_errors: list[tuple[str, int]]


async def ensure_topics(
    bootstrap: str, *, partitions: int | None = None, replication: int = 1, prefix: str = ""
) -> int:
    """Make every topic that is missing; the answer is how many were made.

    Args:
        bootstrap: `host:port` of brokers.
        partitions: for every topic; by default what `contracts.topics` says.
        prefix: put before each name, so that several systems can share a broker.

    Raises:
        SafeError: the broker refused one.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in TOPICS.values() if prefix + topic.name not in existing]
        if not missing:
            return 0
        answer = await admin.create_topics(
            [
                NewTopic(
                    prefix + topic.name,
                    num_partitions=partitions or topic.partitions,
                    replication_factor=replication,
                    topic_configs={
                        "cleanup.policy": "compact" if topic.compacted else "delete",
                        "retention.ms": str(
                            -1 if topic.compacted else int(timedelta(days=topic.retention_days).total_seconds() * 1000)
                        ),
                        "compression.type": "producer",
                    },
                )
                for topic in missing
            ]
        )
        for error in cast("_CreateTopicsResponse", answer).topic_errors:
            if error[1] not in (0, _EXISTS):
                raise SafeError(f"the broker refused to make {error[0]} (error {error[1]})")
        return len(missing)
    finally:
        await admin.close()
