"""What others ask of the services while faults strike: an operator replays what is parked, people are erased.

The rig is the retention service here: it asks every holder, waits for all of them, destroys the keys, and tells.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import cycle
from typing import Final
from uuid import UUID, uuid4

import httpx
from aiokafka import AIOKafkaProducer
from chassis.clock import SystemClock, monotonic
from chassis.errors import TRANSIENT
from chassis.outbox import OutgoingEvent
from chassis.testing.containers import connected
from chassis.testing.services import seal_event
from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.privacy import ErasureRequested, SubjectErased
from contracts.profile import DeletionReason

from tests.chaos import sink_service
from tests.chaos.facts import Poisoned
from tests.chaos.ledger import Ledger
from tests.chaos.system import System
from tests.chaos.timeline import Timeline
from tests.chaos.verdict import Violation

CATEGORIES: Final = frozenset({Category.USER_INFORMATION, Category.COMMUNICATION})
_ERASED_WITHIN: Final = 120.0
_LOOK_SECONDS: Final = 0.2
_REPLAY_SECONDS: Final = 20.0
_WAITS: Final = "waits behind "


class Duties:
    """Replays and erasures of one round."""

    def __init__(self, system: System, ledger: Ledger, timeline: Timeline, people: Sequence[UUID]) -> None:
        self._system = system
        self._ledger = ledger
        self._timeline = timeline
        self._people = people
        self._operator = system.identities.signer("operator", SystemClock())
        self._curing = asyncio.Lock()
        self._in_turn = cycle(range(1_000_000))

    async def replay(self, seconds: float) -> list[Violation]:
        """Cure poison for a while, and have what is parked run again until the cure is gone."""
        async with self._curing:
            began = monotonic()
            self._system.cure.touch()
            try:
                while monotonic() - began < seconds:
                    await self.replay_once()
                    await asyncio.sleep(_LOOK_SECONDS)
            finally:
                self._system.cure.unlink(missing_ok=True)
        return await self.unexpected()

    async def replay_once(self) -> None:
        """Ask one of the sink's processes, each in turn. Whether it does is seen by what is left."""
        sinks = self._system.sinks
        url = sinks[next(self._in_turn) % len(sinks)].url
        headers = {"Authorization": f"Bearer {self._operator.internal(sink_service.NAME)}"}
        with suppress(httpx.HTTPError):
            await self._system.http.post(
                f"{url}/admin/parked/replay", json={}, headers=headers, timeout=_REPLAY_SECONDS
            )

    async def unexpected(self) -> list[Violation]:
        """What is parked though it is no poison and waits behind none."""
        found: list[Violation] = []
        for database in self._system.databases:
            with suppress(*TRANSIENT):
                async with asyncio.timeout(5), connected(database.admin_dsn) as connection:
                    rows = await connection.fetch(
                        "SELECT event_type, reason, count(*) AS records FROM parked"
                        " WHERE reason <> $1 AND NOT starts_with(reason, $2) GROUP BY event_type, reason",
                        Poisoned.__name__,
                        _WAITS,
                    )
                found.extend(
                    Violation(
                        "parked",
                        f"{database.app_role} parked {row['records']} of {row['event_type']}: {row['reason']}",
                        self._timeline.now(),
                    )
                    for row in rows
                )
        return found

    async def erase(self, number: int) -> list[Violation]:
        """Erase a person as the retention service does; nothing, if that was begun already."""
        person = SubjectId(self._people[number])
        if person in self._ledger.erased:
            return []
        now = SystemClock().now()
        request = ErasureRequested(
            subject_id=person,
            erasure_id=uuid4(),
            nonce=uuid4().hex,
            reason=DeletionReason.REQUESTED,
            categories=CATEGORIES,
            requested_at=now,
            due_at=now + timedelta(days=30),
        )
        self._ledger.erasing(person, self._timeline.now())
        began = monotonic()
        await self._send(request)
        while not await self._erased_everywhere(person):
            if monotonic() - began > _ERASED_WITHIN:
                text = f"not every service erased {person} within {_ERASED_WITHIN:.0f} s"
                return [Violation("stuck", text, self._timeline.now())]
            await asyncio.sleep(_LOOK_SECONDS)
        self._system.keyring.destroy(person, CATEGORIES)
        await self._send(SubjectErased(subject_id=person, categories=CATEGORIES))
        return []

    async def _erased_everywhere(self, person: SubjectId) -> bool:
        try:
            async with asyncio.timeout(5):
                for database in self._system.databases:
                    async with connected(database.admin_dsn) as connection:
                        erased = await connection.fetchval("SELECT erased FROM subjects WHERE subject_id = $1", person)
                    if not CATEGORIES.issubset(erased or ()):
                        return False
        except TRANSIENT:
            return False
        return True

    async def _send(self, event: Event) -> None:
        """At least once, as every sender does: a repeat bears the same id."""
        sealed = seal_event(self._system.keyring, event, clock=SystemClock(), prefix=self._system.topic_prefix)
        while True:
            with suppress(*TRANSIENT):
                async with asyncio.timeout(10):
                    await self._sent(sealed)
                    return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _sent(self, event: OutgoingEvent) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._system.kafka.bootstrap, acks="all")
        try:
            await producer.start()
            await producer.send_and_wait(event.topic, event.body, event.key.encode(), headers=event.headers)
        finally:
            await producer.stop()
