"""How far topics go and how far groups have read them, asked of the broker; what it can't say is an error, never a 0."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeAlias, TypedDict, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code
from aiokafka.structs import OffsetAndMetadata
from contracts.privacy import ConsumerGroup

from chassis.network import refuse_in_transaction

Offsets = Mapping[str, Mapping[int, int]]
"""By topic and partition."""
_Question: TypeAlias = Callable[[AIOKafkaConsumer, list[TopicPartition]], Awaitable[dict[TopicPartition, int]]]
_BEGINNINGS: Final = cast("_Question", AIOKafkaConsumer.beginning_offsets)
_ENDS: Final = cast("_Question", AIOKafkaConsumer.end_offsets)
_TIMEOUT_MS: Final = 5_000
"""Below the lease of the work that asks (30 s), several times over."""
_SET_BACK: Final = "set back by a recovery"
"""Kafka keeps this note beside the offset; whatever is committed after it, by who reads on, has none."""


class _Partition(TypedDict):
    error_code: int
    partition: int


class _Topic(TypedDict):
    error_code: int
    topic: str
    partitions: list[_Partition]


class Extent(NamedTuple):
    """What the broker has of topics: of each partition the offset of its oldest record, and of the next one."""

    beginnings: Offsets
    ends: Offsets


class Committed(NamedTuple):
    """Where a group stands on a partition. `set_back` until it has read on from where a recovery put it."""

    offset: int
    set_back: bool


class OffsetReader:
    """Asks the broker again and again, over connections that stay; after an error the next question makes them anew.

    One question at a time. Where topics end is always asked, never remembered; so is what groups have committed.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._coordinators: dict[str, int] = {}
        """By group, the broker that keeps what it has committed."""

    async def ends(self, topics: Collection[str]) -> Offsets:
        """Where each partition of these topics ends now. A topic that the broker does not have is left out.

        Raises:
            KafkaError, OSError: the broker can't say it for one of them.
        """
        [ends] = await self._asked(topics, _ENDS)
        return ends

    async def extent(self, topics: Collection[str]) -> Extent:
        """Where each partition of these topics begins and ends now. A topic that the broker does not have is left out.

        Raises:
            KafkaError, OSError: the broker can't say it for one of them.
        """
        return Extent(*await self._asked(topics, _BEGINNINGS, _ENDS))

    async def committed(self, groups: Sequence[ConsumerGroup]) -> Mapping[str, Mapping[TopicPartition, Committed]]:
        """By group: what it has committed, and whether a recovery put it there; a partition without a commit is left out.

        Raises:
            KafkaError, OSError: the broker can't say it for one of them.
        """
        async with self._asking():
            found: dict[str, Mapping[TopicPartition, Committed]] = {}
            admin = await self._administering()
            for one in groups:
                if one.group not in self._coordinators:
                    self._coordinators[one.group] = await admin.find_coordinator(one.group)
                coordinator = self._coordinators[one.group]
                entries = await admin.list_consumer_group_offsets(one.group, coordinator)
                found[one.group] = {
                    place: Committed(entry.offset, entry.metadata == _SET_BACK)
                    for place, entry in (entries or await _each(admin, one, coordinator)).items()
                    if entry.offset >= 0
                }
            return found

    async def close(self) -> None:
        """End the connections; a later question makes them anew."""
        admin, self._admin = self._admin, None
        consumer, self._consumer = self._consumer, None
        self._coordinators.clear()
        try:
            if consumer is not None:
                await consumer.stop()
        finally:
            if admin is not None:
                await admin.close()

    async def _asked(self, topics: Collection[str], *questions: _Question) -> list[Offsets]:
        """The answer to each of these questions about all partitions of the topics."""
        async with self._asking():
            partitions = await _partitions(await self._administering(), topics)
            if not partitions:
                return [{} for _ in questions]
            consumer = await self._assigned(partitions)
            return [_by_topic(await question(consumer, partitions)) for question in questions]

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[None]:
        refuse_in_transaction("asking the broker for offsets")
        answered = False
        try:
            yield
            answered = True
        finally:
            if not answered:
                await self.close()

    async def _administering(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=_TIMEOUT_MS)
            await self._admin.start()
        return self._admin

    async def _assigned(self, partitions: list[TopicPartition]) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, request_timeout_ms=_TIMEOUT_MS)
            await self._consumer.start()
        if self._consumer.assignment() != set(partitions):
            # Assigned, it asks for all topics at once; else it finds one after the other unknown, and waits each time.
            self._consumer.assign(partitions)
            self._consumer.pause(*partitions)
        return self._consumer


@asynccontextmanager
async def offset_reader(bootstrap: str) -> AsyncGenerator[OffsetReader]:
    """One whose connections end with the block."""
    reader = OffsetReader(bootstrap)
    try:
        yield reader
    finally:
        await reader.close()


async def extent(bootstrap: str, topics: Collection[str]) -> Extent:
    """`OffsetReader.extent`, asked once."""
    async with offset_reader(bootstrap) as reader:
        return await reader.extent(topics)


async def committed_offsets(
    bootstrap: str, groups: Sequence[ConsumerGroup]
) -> Mapping[str, Mapping[TopicPartition, int]]:
    """By group: what it has committed; a partition without a commit is left out. Asked once.

    Raises:
        KafkaError, OSError: the broker can't say it for one of them.
    """
    found = await committed(bootstrap, groups)
    return {group: {place: one.offset for place, one in places.items()} for group, places in found.items()}


async def committed(
    bootstrap: str, groups: Sequence[ConsumerGroup]
) -> Mapping[str, Mapping[TopicPartition, Committed]]:
    """`OffsetReader.committed`, asked once."""
    async with offset_reader(bootstrap) as reader:
        return await reader.committed(groups)


async def set_back(bootstrap: str, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """Set what a group has committed, for none of whose members reads now, and note it there until it reads on.

    Raises:
        KafkaError: the group has members that read, or the broker does not answer.
    """
    refuse_in_transaction("setting committed offsets")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, request_timeout_ms=_TIMEOUT_MS
    )
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit({place: (offset, _SET_BACK) for place, offset in offsets.items()})
    finally:
        await consumer.stop()


async def _each(
    admin: AIOKafkaAdminClient, group: ConsumerGroup, coordinator: int
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """What the group has committed, if it is certain that the broker knows.

    The client takes a refusal (the coordinator has just begun, or is another broker by now) for an answer that says
    nothing of any partition. Asked for each by its name, who knows answers for each.
    """
    partitions = await _partitions(admin, group.topics)
    entries = await admin.list_consumer_group_offsets(group.group, coordinator, partitions) if partitions else {}
    if entries.keys() != set(partitions):
        raise GroupCoordinatorNotAvailableError(group.group)
    return entries


def _by_topic(offsets: Mapping[TopicPartition, int]) -> Offsets:
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for place, offset in offsets.items():
        found[place.topic][place.partition] = offset
    return dict(found)


async def _partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    # all topics are asked for: naming one that isn't there could make the broker create it
    described = cast("list[_Topic]", await admin.describe_topics())
    found: list[TopicPartition] = []
    for topic in described:
        if topic["topic"] not in topics:
            continue
        if topic["error_code"]:
            raise for_code(topic["error_code"])(topic["topic"])
        found.extend(TopicPartition(topic["topic"], part["partition"]) for part in topic["partitions"])
    return found
