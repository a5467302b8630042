"""Notices that the service's database is from the past, and brings it up to the present before anything is served.

A database that was restored from a backup has forgotten what was taken in and erased since. Two signs tell: whoever
restored it wrote so into it (`tillit restore`), or Kafka was told of more than the database knows, which never happens
otherwise, because Kafka is told after the commit. Then, in this order: Kafka's committed offsets are set back, so that no
fence passes on their strength; the erasures since are carried out again; the topic of erasures is read again, then all
others, before them what the service itself said; and only then is it ready, its relay sends and its work is done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from aiokafka import TopicPartition
from contracts.privacy import ErasureRequested

from chassis import offsets, recoveries, sightings
from chassis.logs import SafeError, get_logger
from chassis.own_past import read_own_past
from chassis.recoveries import Recovery, Sign
from chassis.service import Service
from chassis.sightings import What
from chassis.sql import borrow
from chassis.topic_offsets import Offsets, committed, committed_offsets, extent, set_back

CLOCKS_AGREE: Final = timedelta(hours=1)
"""How much earlier than the database's last sign of life erasures are asked for: clocks of hosts differ."""
_LOOK_SECONDS: Final = 0.1
_log = get_logger()

Known: TypeAlias = Mapping[tuple[str, int], int]


class TooOld(SafeError):
    """The database can't be brought up to the present: the service stays not ready, and says why."""


class CatchUp:
    """One worker's part in it; several may do the same at once, and each step is safe to repeat."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._prefix = service.settings.topic_prefix
        self._topics = {self._prefix + topic.name: topic for topic in service.topics()}
        self._ends: Offsets = {}

    @property
    def erasures(self) -> str:
        """The topic that is read before all others, so that nothing of the erased is taken in on the way."""
        return self._prefix + ErasureRequested.topic.name

    async def begin(self) -> bool:
        """Look, and do what must come before the topics are read; whether there is something to catch up with.

        Raises:
            TooOld: the database is older than the tombstones that other services keep.
            Exception: one of `chassis.errors.TRANSIENT`; look again.
        """
        service = self._service
        await self._look()
        recovery = await self._open()
        if recovery is None:
            return False
        _log.warning("recovery.begun", sign=recovery.sign, since=recovery.missing_since.isoformat())
        await self._refuse_too_old(recovery)
        if recovery.sought_at is None:
            await self._seek_back()
            await self._note(recoveries.sought)
        if recovery.reapplied_at is None:
            count = await service.carry_out_again(recovery.missing_since - CLOCKS_AGREE)
            await self._note(recoveries.reapplied)
            _log.warning("recovery.erasures_carried_out_again", erasures=count)
        found = await extent(service.settings.kafka_bootstrap, self._topics)
        async with service.database.transaction(keys=()) as tx:
            gone = await offsets.pass_over(tx.connection, found.beginnings)
        if gone:
            _log.error("recovery.records_gone", records=gone)
        self._ends = found.ends
        return True

    async def put_own_past_back(self) -> None:
        """What the service itself said since, where it is the source of it."""
        recovery = await self._open()
        if recovery is not None:
            count = await read_own_past(self._service, recovery.missing_since - CLOCKS_AGREE)
            _log.warning("recovery.own_past_read", records=count)

    async def read_to_the_end(self, topics: Collection[str] | None = None) -> None:
        """Return once these topics, or all, were taken in to where they ended when it began."""
        wanted = {topic: ends for topic, ends in self._ends.items() if topics is None or topic in topics}
        while True:
            known = await self._known()
            if all(known.get((topic, p), 0) >= end for topic, ends in wanted.items() for p, end in ends.items()):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def done(self) -> None:
        """The database is of today: the service is ready."""
        await self._note(recoveries.done)
        _log.warning("recovery.done")

    async def refused(self, why: TooOld) -> None:
        async with borrow(self._service.database.pool) as connection:
            await recoveries.refuse(connection, str(why))
        _log.critical("recovery.refused", error=str(why))

    async def _look(self) -> None:
        """Write it down when the database is from the past, before anything could hide the sign."""
        service = self._service
        bootstrap = service.settings.kafka_bootstrap
        told = await committed(bootstrap, service.groups())
        # read after what Kafka was told: what another worker takes in meanwhile is no sign
        known, now = await self._known(), service.clock.now()
        leads = [
            (one.offset - known.get((place.topic, place.partition), 0), one.set_back)
            for found in told.values()
            for place, one in found.items()
        ]
        # What was set back is as far as a database that was restored once more: its recovery is forgotten, not done.
        if any(lead > 0 or (lead == 0 and set_back) for lead, set_back in leads):
            await self._write_down(Sign.OFFSETS, now, beyond=any(lead > 0 for lead, _ in leads))
            return
        kept = {name for name, topic in self._topics.items() if not topic.compacted}
        beginnings = (await extent(bootstrap, kept)).beginnings
        if any(
            known.get((topic, p), first) < first for topic, found in beginnings.items() for p, first in found.items()
        ):
            await self._write_down(Sign.RECORDS_GONE, now, beyond=False)

    async def _write_down(self, sign: Sign, now: datetime, *, beyond: bool) -> None:
        """`beyond`: Kafka was told of more. Where a recovery set that back, it is of a later life: the database was put
        back to the middle of that recovery, which begins anew and is as old as it was."""
        service = self._service
        async with service.database.transaction(keys=()) as tx:
            under_way = await recoveries.open_one(tx.connection)
            if under_way is not None and (under_way.sought_at is None or not beyond):
                return
            seen = [one.seen_at for one in await sightings.all_of(tx.connection) if one.what is What.WORKER]
            # a database that no worker ever used forgot whatever can be known
            since = max(seen, default=now - service.settings.tombstone_window + CLOCKS_AGREE)
            await recoveries.begin(tx.connection, sign, since, now if under_way is None else under_way.noticed_at)

    async def _refuse_too_old(self, recovery: Recovery) -> None:
        """Judged by its age when it was noticed: catching up may take days, and does not make it older."""
        window = self._service.settings.tombstone_window
        if recovery.noticed_at - recovery.missing_since > window:
            raise TooOld(
                f"this database is older than {window.days} days: the others have forgotten whom it would bring back. "
                "Restore a newer backup, or begin with an empty database"
            )

    async def _seek_back(self) -> None:
        """Have Kafka know what the database knows, where it was told of more."""
        bootstrap, known = self._service.settings.kafka_bootstrap, await self._known()
        for group, found in (await committed_offsets(bootstrap, self._service.groups())).items():
            back: dict[TopicPartition, int] = {
                place: known.get((place.topic, place.partition), 0)
                for place, offset in found.items()
                if offset > known.get((place.topic, place.partition), 0)
            }
            if back:
                await set_back(bootstrap, group, back)
                _log.warning("recovery.sought_back", group=group, partitions=len(back))

    async def _known(self) -> Known:
        async with borrow(self._service.database.pool) as connection:
            return await offsets.all_of(connection)

    async def _open(self) -> Recovery | None:
        async with borrow(self._service.database.pool) as connection:
            return await recoveries.open_one(connection)

    async def _note(self, step: Callable[..., Awaitable[None]]) -> None:
        async with borrow(self._service.database.pool) as connection:
            await step(connection, self._service.clock.now())


async def of_today(service: Service) -> bool:
    """Whether the database has caught up with what it forgot, or never forgot anything: a readiness check."""
    async with borrow(service.database.pool) as connection:
        return await recoveries.open_one(connection) is None
