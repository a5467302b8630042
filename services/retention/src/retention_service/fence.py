"""The fence: an erasure goes on only when every holder has read past where all topics ended after the last answer.

Until then a holder could still take in an older event about the person. One fence is shared by all erasures that wait,
and at most one is taken per interval; a required holder that never registered, or a partition that nobody has read that
far, holds it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from aiokafka import TopicPartition
from chassis.clock import new_id
from chassis.logs import get_logger
from chassis.service import Service
from chassis.sql import borrow
from chassis.topic_offsets import Committed, Offsets
from chassis.work import WorkItem
from contracts.personal import SubjectId
from contracts.topics import TOPICS

from retention_service import (
    breaker_trips,
    erasure_holders,
    erasures,
    fences,
    held_back,
    holders,
    notices,
    receipts,
    residue_scans,
)
from retention_service.erasures import Stage
from retention_service.fences import Fence
from retention_service.holders import RegisteredHolder
from retention_service.measures import RetentionMeasures
from retention_service.settings import RetentionSettings
from retention_service.tell_recipients import ask_to_tell

LOOK_EVERY: Final = timedelta(seconds=1)
_QUIET_AFTER: Final = timedelta(seconds=5)
"""Who reads at all has read that far by then: what holds a fence longer may be gone from its partition."""
_STALLED_AFTER: Final = timedelta(minutes=15)
_TOGETHER: Final = 200
"""Erasures that go on in one transaction, which locks all their people."""
_log = get_logger()


@dataclass(frozen=True, slots=True)
class Lag:
    """What holds a fence: this group has not read this partition as far as it must."""

    group: str
    topic: str
    partition: int
    missing: int


class FenceRound:
    """One look at all erasures that wait; run again and again, on one worker at a time."""

    def __init__(self, service: Service, settings: RetentionSettings, measures: RetentionMeasures) -> None:
        self._service = service
        self._required = settings.holders_required
        self._interval = settings.fence_interval
        self._measures = measures

    async def run(self, _item: WorkItem) -> None:
        """Take a fence if erasures wait for one and the interval allows it; let pass what a fence no longer holds."""
        await self._measure()
        await self._take()
        await self._let_pass()

    async def _take(self) -> None:
        service, now = self._service, self._service.clock.now()
        async with borrow(service.database.pool) as connection:
            # Listed before the ends are read: whatever an answer of theirs came after is before those ends.
            waiting = await erasures.without_fence(connection)
            if not waiting:
                return
            last = await fences.last_taken(connection)
            known = await holders.registered(connection)
        if last is not None and last <= now < last + self._interval:
            return
        prefix = service.settings.topic_prefix
        topics = {prefix + name for name in TOPICS} | _topics_read(known)
        fence = Fence(new_id(service.clock), now, await service.topic_offsets.ends(topics))
        async with service.database.transaction(keys=()) as tx:
            await fences.insert(tx.connection, fence)
            shared = await erasures.share_fence(tx.connection, waiting, fence.fence_id)
        _log.info("fence.taken", erasures=shared, topics=len(fence.end_offsets))

    async def _let_pass(self) -> None:
        service = self._service
        async with borrow(service.database.pool) as connection:
            fence_ids = await erasures.fences_waited_for(connection)
            if not fence_ids:
                return
            waited_for = await fences.find(connection, fence_ids)
            known = await holders.registered(connection)
        unknown = self._required - {holder.holder for holder in known}
        if unknown:
            _log.warning("fence.held", unregistered=sorted(unknown), cure="start these services: each registers itself")
            return
        committed = await service.topic_offsets.committed([group for holder in known for group in holder.groups])
        beginnings: Offsets | None = None
        for fence in waited_for:
            if _topics_read(known) - fence.end_offsets.keys():
                # A holder came to read a topic that this fence does not know, or that the broker did not have.
                async with service.database.transaction(keys=()) as tx:
                    await erasures.drop_fence(tx.connection, fence.fence_id)
                _log.warning("fence.dropped", why="a holder reads a topic that it does not know")
                continue
            waited = service.clock.now() - fence.taken_at
            held_by = lags(fence, known, committed, {})
            if held_by and waited > _QUIET_AFTER:
                # Beginnings only let more pass: a fence that passes without them spares the broker the question.
                if beginnings is None:
                    beginnings = (await service.topic_offsets.extent(_topics_read(known))).beginnings
                held_by = lags(fence, known, committed, beginnings)
            if not held_by:
                await self._pass(fence)
            elif waited > _STALLED_AFTER:
                worst = max(held_by, key=lambda lag: lag.missing)
                cure = "the service of this group does not read on: see its `tillit status`"
                _log.error("fence.stalled", group=worst.group, topic=worst.topic, partition=worst.partition, cure=cure)

    async def _pass(self, fence: Fence) -> None:
        service = self._service
        async with borrow(service.database.pool) as connection:
            waiting = await erasures.behind_fence(connection, fence.fence_id)
        for part in _parts(waiting):
            async with service.database.transaction(part.values(), keys=()) as tx:
                gone_on = await erasures.fence_passed(tx.connection, part.keys(), fence.fence_id, tx.now())
                for erasure_id in gone_on:
                    ask_to_tell(tx, erasure_id, part[erasure_id])
                await fences.passed(tx.connection, fence.fence_id, tx.now())
            _log.info("fence.passed", erasures=len(gone_on))

    async def _measure(self) -> None:
        now = self._service.clock.now()
        async with borrow(self._service.database.pool) as connection:
            counts = {count.stage: count for count in await erasures.count_open(connection)}
            silent = await erasure_holders.count_silent(connection)
            unscanned = await residue_scans.count_silent(connection)
            for gone in await holders.retired(connection):  # nobody waits for them
                silent.pop(gone, None)
                unscanned.pop(gone, None)
            trip = await breaker_trips.open_one(connection)
            held = await held_back.count(connection, trip.trip_id) if trip is not None else 0
            unproven = await receipts.count_unproven(connection)
            not_told = await notices.count_not_told(connection)
        for stage in (one for one in Stage if one is not Stage.DONE):
            found = counts.get(stage)
            age = now - found.oldest if found is not None else timedelta()
            self._measures.show_open(stage, found.count if found is not None else 0, age)
        self._measures.show_silent(silent)
        self._measures.show_silent_scans(unscanned)
        self._measures.show_held_back(held)
        self._measures.show_unproven(unproven)
        self._measures.show_not_told(not_told)


def lags(
    fence: Fence,
    known: Sequence[RegisteredHolder],
    committed: Mapping[str, Mapping[TopicPartition, Committed]],
    beginnings: Offsets,
) -> list[Lag]:
    """What holds this fence: every partition of every holder's topics whose commit is not as far.

    None counts as where the partition begins: what is gone from there can be read by nobody, and a group that is younger
    than the last record of a quiet partition commits nothing beyond 0.
    """
    found: list[Lag] = []
    for group in (group for holder in known for group in holder.groups):
        reached = committed[group.group]
        for topic in group.topics:
            for partition, end in fence.end_offsets[topic].items():
                first = beginnings.get(topic, {}).get(partition, 0)
                place = reached.get(TopicPartition(topic, partition))
                missing = end - max(place.offset if place is not None else 0, first)
                if missing > 0:
                    found.append(Lag(group.group, topic, partition, missing))
    return found


def _topics_read(known: Iterable[RegisteredHolder]) -> set[str]:
    return {topic for holder in known for group in holder.groups for topic in group.topics}


def _parts(waiting: Mapping[UUID, SubjectId]) -> Iterable[dict[UUID, SubjectId]]:
    rest = iter(waiting.items())
    while part := dict(islice(rest, _TOGETHER)):
        yield part
