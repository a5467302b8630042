"""Kafka as the schedules have it: topics in memory, with real records, offsets and committed places, and no network."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from zlib import crc32

from aiokafka import TopicPartition
from chassis.own_past import runner_of
from chassis.records import Record
from chassis.service import Service
from chassis.topic_offsets import Committed, Extent, OffsetReader
from contracts.privacy import ConsumerGroup
from contracts.topics import TOPICS

PARTITIONS: Final = range(3)
OF_A_BROKER: Final = frozenset({"committed", "committed_offsets", "extent", "read_own_past", "set_back"})
"""What a restored service asks of a broker beside records, and the bus answers under the same names."""
_ALL: Final = 1_000_000


class Bus:
    """Every record that was ever sent, in the order of its partition."""

    def __init__(self) -> None:
        self._logs: dict[tuple[str, int], list[Record]] = {(name, part): [] for name in TOPICS for part in PARTITIONS}
        self._committed: dict[str, dict[TopicPartition, Committed]] = {}
        self.sent: list[Record] = []
        """All of them, oldest first."""

    def empty(self) -> None:
        """As if nothing had ever been sent."""
        for log in self._logs.values():
            log.clear()
        self._committed.clear()
        self.sent.clear()

    def send(self, topic: str, key: str, headers: Sequence[tuple[str, bytes]], body: bytes) -> Record:
        """The record, which stands on its topic from now on."""
        partition = crc32(key.encode()) % len(PARTITIONS)
        log = self._logs[topic, partition]
        record = Record(topic, partition, len(log), key.encode(), headers, body)
        log.append(record)
        self.sent.append(record)
        return record

    def repeat(self, record: Record) -> None:
        """The same record once more, behind all others."""
        if record.key is not None and record.value is not None:
            self.send(record.topic, record.key.decode(), record.headers, record.value)

    def read(self, topic: str, places: Mapping[int, int], most: int) -> list[Record]:
        """At most so many records of one topic, from these places on."""
        found: list[Record] = []
        for partition, place in sorted(places.items()):
            found.extend(self._logs[topic, partition][place : place + most - len(found)])
        return found

    def ends(self, topic: str) -> dict[int, int]:
        return {partition: len(self._logs[topic, partition]) for partition in PARTITIONS}

    def commit(self, group: str, topic: str, places: Mapping[int, int]) -> None:
        """Where the group goes on; it may be set back."""
        committed = self._committed.setdefault(group, {})
        committed.update({TopicPartition(topic, part): Committed(place, False) for part, place in places.items()})

    # What a restored service asks, and sets.

    async def committed_offsets(
        self, bootstrap: str, groups: Sequence[ConsumerGroup]
    ) -> Mapping[str, Mapping[TopicPartition, int]]:
        found = await self.committed(bootstrap, groups)
        return {group: {place: one.offset for place, one in places.items()} for group, places in found.items()}

    async def committed(
        self, bootstrap: str, groups: Sequence[ConsumerGroup]
    ) -> Mapping[str, Mapping[TopicPartition, Committed]]:
        return {group.group: dict(self._committed.get(group.group, {})) for group in groups}

    async def extent(self, bootstrap: str, topics: Collection[str]) -> Extent:
        return Extent({topic: dict.fromkeys(PARTITIONS, 0) for topic in topics}, {t: self.ends(t) for t in topics})

    async def set_back(self, bootstrap: str, group: str, places: Mapping[TopicPartition, int]) -> None:
        marked = {place: Committed(offset, True) for place, offset in places.items()}
        self._committed.setdefault(group, {}).update(marked)

    async def read_own_past(self, service: Service, since: datetime) -> int:
        """As `chassis.own_past` does, from the first record on: none is as old as the windows that it looks at."""
        topics = {event.topic.name for event in service.own_past}
        records = [
            record for topic in sorted(topics) for record in self.read(topic, dict.fromkeys(PARTITIONS, 0), _ALL)
        ]
        for record in records:
            await runner_of(service).run(record.topic, [record], [])
        return len(records)


class BusReader(OffsetReader):
    """What the fence asks of a broker, answered by the bus."""

    def __init__(self, bus: Bus) -> None:
        super().__init__("nowhere")
        self._bus = bus

    async def ends(self, topics: Collection[str]) -> dict[str, dict[int, int]]:
        return {topic: self._bus.ends(topic) for topic in topics}

    async def extent(self, topics: Collection[str]) -> Extent:
        return await self._bus.extent("nowhere", topics)

    async def committed(self, groups: Sequence[ConsumerGroup]) -> Mapping[str, Mapping[TopicPartition, Committed]]:
        return await self._bus.committed("nowhere", groups)
