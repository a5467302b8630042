"""The four services in one process, each on a database of its own, with the real keyring, and topics in memory.

What moves is moved by who plays a schedule: rows from an outbox to a topic, records from a topic into a service, work
that is due. Services, events, sealing, transactions and erasures are the real ones.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import httpx
from chassis.clock import MovedClock
from chassis.edge import make_app
from chassis.errors import TRANSIENT
from chassis.health import Loop
from chassis.housekeeping import register_holder
from chassis.keys import KeyName
from chassis.offsets import Advance
from chassis.process import verifiers
from chassis.records import Record
from chassis.recovery import CatchUp
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.services import Identities
from chassis.tokens import Signer
from chassis.work_loop import WorkLoop
from contracts.privacy import SubjectErased
from contracts.profile import ProfileDeleted
from notifications_service.make_interest_search import make_if_missing
from starlette.types import Receive, Scope, Send

from chassis import offsets, outbox, parked
from tests.proofs.bus import PARTITIONS, Bus
from tests.proofs.mailbox import Mailbox
from tests.proofs.snapshots import Backup, Rows

START: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES: Final = ("retention", "profile", "notifications", "audit-log")
COOLING_OFF: Final = timedelta(hours=72)
RECURRING: Final = frozenset({"fence"})
"""Schedules that are run whenever work is done; the others of the services are asked for by name, or not at all."""
OUTSIDE: Final = frozenset({"prove_receipt"})
"""Work that asks for what is not here: the public log, which a receipt is proved by."""
OUTLIVE_A_SCHEDULE: Final = frozenset({"subject_keys", "ledger_state", "rotations"})
"""What follows the ledger of destroyed keys, which no schedule takes back."""
_LIVING_KEYS: Final = (
    "SELECT subject_id, category, wrapped, kek_epoch, made_at FROM subject_keys WHERE wrapped IS NOT NULL"
)
_KEY_AGAIN: Final = (
    "INSERT INTO subject_keys (subject_id, category, wrapped, kek_epoch, made_at) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (subject_id, category) DO NOTHING"
)
"""As `subject_keys.restore` puts back the keys of a backup."""
_TO_DO: Final = (
    "SELECT (SELECT count(*) FROM outbox) AS waiting, ARRAY(SELECT DISTINCT kind FROM work WHERE due_at <= $1) AS due"
)
_ROUNDS: Final = 120
_MOST: Final = 500
_LONGEST_WAIT: Final = timedelta(days=1)


class NeverEnds(AssertionError):
    """However long the clock was asked on, something was left to do."""


@dataclass
class Door:
    """Where the keyring is asked: at the process that there is now, or at nobody."""

    app: Callable[[Scope, Receive, Send], object] | None = None
    open: bool = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None or not self.open:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self.app(scope, receive, send)  # pyright: ignore[reportGeneralTypeIssues] - an ASGI app is awaited


@dataclass
class Place:
    """One service: its database, and the process of it that there is now."""

    name: str
    make: Callable[[], Service]
    rows: Rows
    service: Service
    process: AsyncExitStack
    reached: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    """How far it has read each topic, as it was last seen: empty when that may have changed."""
    backup: Backup | None = None
    catch_up: CatchUp | None = None
    """What this process does about a database from the past; None once it is of today, and the service is ready."""
    to_read: dict[str, dict[int, int]] = field(default_factory=dict[str, dict[int, int]])
    """Where each topic ended when it began to catch up; empty before."""
    put_back: bool = False
    """What it said itself, where it is the source of it, is here again."""

    def reads(self, topic: str) -> bool:
        """Whether it takes this topic in now: before it is of today, the erasures come first."""
        if self.catch_up is None or (self.to_read and topic == self.catch_up.erasures):
            return True
        return self.works()

    def has_read(self, topic: str) -> bool:
        return all(self.reached.get(topic, {}).get(part, 0) >= end for part, end in self.to_read[topic].items())

    def works(self) -> bool:
        """Whether its relay sends and its work is done: not before every erasure is known, and what it said is back."""
        return self.catch_up is None or self.put_back


@dataclass
class Town:
    """Everything there is, and what can happen to it."""

    clock: MovedClock
    identities: Identities
    http: httpx.AsyncClient
    """Asks the keyring."""
    door: Door
    mail: Mailbox
    bus: Bus = field(default_factory=Bus)
    places: dict[str, Place] = field(default_factory=dict[str, Place])
    gone: dict[UUID, set[str]] = field(default_factory=dict[UUID, set[str]])
    """Whose erasure was said to be done, and of which categories."""
    ended: set[UUID] = field(default_factory=set[UUID])
    """Whose profile was said to have ended."""
    signers: dict[str, Signer] = field(init=False)

    def __post_init__(self) -> None:
        self.signers = {name: self.identities.signer(name, self.clock) for name in NAMES}

    def service(self, name: str) -> Service:
        return self.places[name].service

    # Records

    async def relay(self, place: Place, most: int = _MOST, *, twice: bool = False) -> int:
        """Send what waits, oldest first; `twice` leaves it in the outbox, as who is killed before it deletes."""
        if not place.works():
            return 0
        async with borrow(place.service.database.pool) as connection:
            rows = await outbox.due(connection, most)
            for row in rows:
                record = self.bus.send(row.topic, row.key, row.headers, row.body)
                self._hear(record)
            if rows and not twice:
                await outbox.delete(connection, [row.position for row in rows])
        return len(rows)

    def _hear(self, record: Record) -> None:
        said = dict(record.headers)["ce_type"].decode()
        if record.value is None:
            return
        if said == SubjectErased.type:
            erased = SubjectErased.model_validate_json(record.value)
            self.gone.setdefault(erased.subject_id, set()).update(map(str, erased.categories))
        elif said == ProfileDeleted.type:
            self.ended.add(ProfileDeleted.model_validate_json(record.value).subject_id)

    async def deliver(self, place: Place, topic: str, most: int = _MOST) -> int:
        """Have the service take in what it has not read of a topic; how much it was. Nothing when the keyring is away."""
        if place.reached.get(topic) == self.bus.ends(topic) or not place.reads(topic):
            return 0
        service = place.service
        async with borrow(service.database.pool) as connection:
            stand = await offsets.read(connection, topic, list(PARTITIONS))
        records = self.bus.read(topic, stand, most)
        ends = dict(stand)
        for record in records:
            ends[record.partition] = record.offset + 1
        if records:
            steps = [Advance(partition, stand[partition], end) for partition, end in ends.items()]
            try:
                await service.runner.run(topic, records, steps)
            except TRANSIENT:
                return 0
        self.bus.commit(f"{place.name}.{topic}", topic, ends)
        place.reached[topic] = ends
        return len(records)

    def topics(self, place: Place) -> list[str]:
        return [topic.name for topic in place.service.topics()]

    async def replay(self, place: Place, topic: str) -> None:
        """Read a topic from its beginning again, as somebody who has set its offsets back."""
        await place.rows.execute(f"UPDATE offsets SET next_offset = 0 WHERE topic = '{topic}'")
        place.reached.clear()

    async def redrive(self, place: Place) -> int:
        """Run what is parked again; how many ran."""
        async with borrow(place.service.database.pool) as connection:
            keys = await parked.keys_with_events(connection)
        done = 0
        for topic, key in keys:
            with suppress(*TRANSIENT):
                done += (await place.service.replayer.replay(topic, key)).done
        return done

    # Work

    async def due(self, place: Place) -> list[str]:
        """Kinds of work that are due now."""
        _, due = await self._to_do(place)
        return due

    async def _to_do(self, place: Place) -> tuple[int, list[str]]:
        """How many rows wait to be sent, and kinds of work that are due: asked at once, because mostly there is nothing."""
        if not place.works():
            return 0, []
        [row] = await place.rows.fetch(_TO_DO, self.clock.now())
        known = {kind.kind for kind in place.service.work_kinds if kind.every is None} - OUTSIDE
        return row["waiting"], sorted(known.intersection(row["due"]))

    async def work(self, place: Place, name: str) -> None:
        """One round of a worker: what is due of this kind, at most 50 items."""
        service = place.service
        (kind,) = [kind for kind in service.work_kinds if kind.kind == name]
        loop = WorkLoop(
            kind,
            database=service.database,
            wake=asyncio.Event(),
            metrics=service.metrics,
            loop=Loop(timedelta(minutes=1), lambda: 0.0),
        )
        round_ = asyncio.create_task(loop.run())
        await asyncio.sleep(0)
        loop.stop()
        await round_

    async def make_searchable(self, place: Place) -> None:
        """As its worker looks every two seconds: what a backup does not have is made anew of what it has."""
        if place.name == "notifications" and place.works():
            with suppress(*TRANSIENT):
                await make_if_missing(place.service)

    # All together

    async def pump(self) -> int:
        """Everything that can move now moves once; how much it was."""
        moved = 0
        for place in self.places.values():
            moved += await self.come_to_today(place)
            await self.make_searchable(place)
            waiting, due = await self._to_do(place)
            if waiting:
                moved += await self.relay(place)
            for topic in self.topics(place):
                moved += await self.deliver(place, topic)
            for kind in due:
                await self.work(place, kind)
                moved += 1
        return moved

    async def settle(self) -> None:
        """Go on until nothing is left to do, and ask the clock on for what waits for it.

        Raises:
            NeverEnds: something never is done.
        """
        wait = timedelta(seconds=1)
        for _ in range(_ROUNDS):
            while await self.pump():
                pass
            left = await self._left()
            if not left:
                return
            self.clock.advance(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            await self.work(self.places["retention"], "fence")
        raise NeverEnds(f"nothing ends it: {await self._left()}")

    async def _left(self) -> list[str]:
        """What will go on by itself later: erasures that are open, and work that was tried."""
        found: list[str] = []
        for place in self.places.values():
            rows = await place.rows.fetch(
                "SELECT kind FROM work WHERE attempts > 0 AND kind <> ALL($1)", list(RECURRING)
            )
            found.extend(f"{place.name}: {row['kind']}" for row in rows)
        rows = await self.places["retention"].rows.fetch("SELECT stage FROM erasures WHERE stage <> 'done'")
        found.extend(f"erasure in {row['stage']}" for row in rows)
        return found

    # Processes

    async def restart(self, place: Place) -> None:
        """End the process and start another, which knows nothing of the last and looks whether its database is of today."""
        await place.process.aclose()
        place.process = AsyncExitStack()
        place.service = await started(place.make, self.clock, place.process)
        for prepare in place.service.at_migration:
            await prepare()
        if place.name == "retention":
            self.door.app = app_of(place.service)
        place.reached.clear()
        place.to_read.clear()
        place.put_back = False
        place.catch_up = CatchUp(place.service)
        await self.come_to_today(place)

    async def restore(self, place: Place, backup: Backup) -> None:
        """The database as it was then, under a process that starts on it."""
        await place.process.aclose()
        place.process = AsyncExitStack()
        keys = await place.rows.fetch(_LIVING_KEYS) if place.name == "retention" else []
        await place.rows.put_back(backup)
        for key in keys:  # the keyring's own backup is a younger one: without it whoever came since has lost theirs
            await place.rows.fetch(_KEY_AGAIN, *key.values())
        await self.restart(place)

    async def come_to_today(self, place: Place) -> int:
        """The next part of catching up with what a restored database forgot, if there is one; whether it went on."""
        if place.catch_up is None:
            return 0
        try:
            if not place.to_read:
                if not await place.catch_up.begin():
                    place.catch_up = None
                    await register_holder(place.service)
                    return 1
                place.to_read.update({topic: self.bus.ends(topic) for topic in self.topics(place)})
                return 1
            if not place.put_back and place.has_read(place.catch_up.erasures):
                await place.catch_up.put_own_past_back()
                place.put_back = True
                return 1
            if all(place.has_read(topic) for topic in place.to_read):
                await place.catch_up.read_to_the_end()
                await place.catch_up.done()
                place.catch_up = None
                place.to_read.clear()
                await register_holder(place.service)
                return 1
        except TRANSIENT:
            return 0
        return 0

    async def anew(self) -> None:
        """Nobody, nothing said: as for the first schedule, but for keys that were destroyed, which stay so."""
        self.bus.empty()
        self.mail.mails.clear()
        self.gone.clear()
        self.ended.clear()
        self.door.open = True
        for place in self.places.values():
            place.backup = place.catch_up = None
            place.reached.clear()
            place.to_read.clear()
            await place.rows.clear(OUTLIVE_A_SCHEDULE)
        for place in self.places.values():
            await register_holder(place.service)
        await self.settle()

    # The keyring, asked past every cache

    async def living(self, caller: str, names: Sequence[KeyName]) -> set[KeyName]:
        """Which of these keys the keyring gives to this service."""
        wanted = [{"subject_id": str(name.subject_id), "category": name.category} for name in names]
        token = self.signers[caller].internal("retention")
        answer = await self.http.post(
            "/keys/fetch", json={"keys": wanted}, headers={"Authorization": f"Bearer {token}"}
        )
        found = answer.raise_for_status().json()["keys"]
        return {name for name, key in zip(names, found, strict=True) if key["key"] is not None}


async def started(make: Callable[[], Service], clock: MovedClock, process: AsyncExitStack) -> Service:
    """A process of the service, as far as it needs no broker."""
    service = make()
    service.clock = clock
    await service.open(process)
    return service


def app_of(service: Service) -> Callable[[Scope, Receive, Send], object]:
    """The routes that other services ask."""
    return make_app(
        title=service.name,
        routers=service.routers(),
        settings=service.settings,
        health=service.health,
        metrics=service.metrics,
        verifiers=verifiers(service),
        clock=service.clock,
        own_secret=service.own_key.secret("http"),
    )
