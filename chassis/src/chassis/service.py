"""One service: what it reacts to, what it does later, its routes and what it holds, declared by hand in its `app.py`."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar

import httpx
from contracts.event import Event
from contracts.personal import Category
from contracts.privacy import ConsumerGroup, ErasureRequested
from contracts.purposes import PurposeId
from contracts.topics import TOPICS, Topic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import APIRouter

from chassis import partitioning, sealing, tls
from chassis.batch import BatchRunner
from chassis.clock import Clock, SystemClock
from chassis.commands import refused_in_recovery
from chassis.database import Database, connect_pool
from chassis.erasures_since import ErasureLedger, carry_out_again
from chassis.health import Health
from chassis.holders import Holder
from chassis.keys import SubjectKeys
from chassis.logs import SafeError
from chassis.metrics import Metrics
from chassis.migrations import CHASSIS, MigrationSource
from chassis.own_key import OwnKey
from chassis.protocol import KEYS_CHANNEL, after_builtin, builtin_reactions, drop_keys, erasing
from chassis.reactions import BadReaction, Batch, Mode, RawBatch, Reaction, Single, check_purpose
from chassis.replay import Replayer
from chassis.residue import SCAN_RESIDUE
from chassis.scan_residue import scan_residue
from chassis.settings import ServiceSettings
from chassis.tokens import Signer
from chassis.topic_offsets import OffsetReader
from chassis.wakeups import Wakeups
from chassis.work_loop import Errand, Step, WorkKind

E = TypeVar("E", bound=Event)

CarryOutAgain: TypeAlias = Callable[[datetime], Awaitable[int]]

POOL_SIZE: Final = 12
"""Connections to the database."""


class Service:
    """Declarations first; `open` connects; `chassis.process.run` runs a role of it.

    Args:
        name: as in `contracts.topics` and the JWKS: `profile`, `audit-log`.
        holder: every table it keeps, personal or not.
        key_categories: the categories whose keys it may fetch; the keyring enforces it.
        migrations: its own folder of `.sql` files.
    """

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        *,
        holder: Holder,
        key_categories: frozenset[Category],
        migrations: MigrationSource,
        clock: Clock | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.holder = holder
        self.clock: Clock = clock or SystemClock()
        self.metrics = metrics or Metrics()
        self.health = Health()
        self.migrations: Sequence[MigrationSource] = (CHASSIS, migrations)
        self.wakeups = Wakeups(settings.database_url.get_secret_value())
        self.topic_offsets = OffsetReader(settings.kafka_bootstrap)
        """For who asks again and again, one question at a time."""
        self.work_kinds: list[WorkKind] = []
        self.at_migration: list[Callable[[], Awaitable[None]]] = []
        """Run by the role `migrate`, as the app's role, after the schema is current; each must be safe to repeat."""
        self._key_categories = key_categories
        self._builtin = {reaction.event: reaction for reaction in builtin_reactions(name)}
        self._reactions: dict[type[Event], Reaction] = dict(self._builtin)
        self._raw: RawBatch | None = None
        self._routes: list[tuple[Callable[[Service], APIRouter], bool]] = []
        self._database: Database | None = None
        self._runner: BatchRunner | None = None
        look = scan_residue(holder, lambda: self.database)
        self.errand(SCAN_RESIDUE, look, mode=Mode.PROTOCOL, purpose=PurposeId.P8, category=None, concurrency=1)
        self._ledger: ErasureLedger | None = None
        self._carry_out_again: CarryOutAgain | None = None
        self.own_past: dict[type[Event], Reaction] = {}
        """What it puts back of what it said itself, after its database was restored from a backup."""

    # What it reacts to

    def store(self, event: type[E], reaction: Single[E], *, purpose: PurposeId, opens: bool = True) -> None:
        """Runs for restricted people too: projections, corrections, rights. What is not opened needs no key."""
        self._react(Reaction(event, Mode.STORE, purpose, single=reaction, opens=opens))

    def use(self, event: type[E], reaction: Single[E], *, purpose: PurposeId) -> None:
        """Does not run for restricted people: mail, matching, search, statistics."""
        self._react(Reaction(event, Mode.USE, purpose, single=reaction))

    def store_batch(self, event: type[E], reaction: Batch[E], *, purpose: PurposeId) -> None:
        """Like `store`, for volume: all events of one type that a batch allows at once, in their order."""
        self._react(Reaction(event, Mode.STORE, purpose, batch=reaction))

    def use_batch(self, event: type[E], reaction: Batch[E], *, purpose: PurposeId) -> None:
        """Like `use`, for volume."""
        self._react(Reaction(event, Mode.USE, purpose, batch=reaction))

    def protocol(self, event: type[E], reaction: Single[E]) -> None:
        """A part of the privacy protocol: runs whatever the person's state, and waits behind nothing.

        What every service does on it (restrict, lift, leave the tombstone, drop keys) is done before, in any case.
        """
        if not event.privacy_protocol:
            raise BadReaction(f"{event.type} is not part of the privacy protocol: declare store or use")
        self._react(Reaction(event, Mode.PROTOCOL, PurposeId.P8, single=reaction))

    def every_record(self, reaction: RawBatch) -> None:
        """Takes every record of every topic, sealed as it came, whatever the person's state (the log)."""
        if self._raw is not None:
            raise BadReaction("every_record is declared twice")
        self._raw = reaction

    # What it does later, or one by one

    def step(
        self, kind: str, run: Step, *, mode: Mode, purpose: PurposeId, category: Category | None, concurrency: int = 4
    ) -> None:
        """Work done in one transaction, under the person's lock; `tx.enqueue(kind, …)` asks for it."""
        self.work_kinds.append(WorkKind(kind, mode, purpose, category, step=run, concurrency=concurrency))

    def errand(
        self, kind: str, run: Errand, *, mode: Mode, purpose: PurposeId, category: Category | None, concurrency: int = 4
    ) -> None:
        """Work that uses the network, outside any transaction; it opens its own, and ends with `finish`."""
        self.work_kinds.append(WorkKind(kind, mode, purpose, category, errand=run, concurrency=concurrency))

    def schedule(self, kind: str, run: Errand, *, every: timedelta) -> None:
        """An errand that comes again and again, on one worker at a time."""
        self.work_kinds.append(
            WorkKind(kind, Mode.PROTOCOL, PurposeId.P8, None, errand=run, concurrency=1, every=every)
        )

    # How others reach it

    def routes(self, make: Callable[["Service"], APIRouter], *, in_recovery: bool = False) -> None:
        """HTTP routes of the roles `api` and `all`; `make` is called once the service is open.

        While the database catches up after a restore those that change something are refused (`chassis.commands`),
        unless others need them to catch up: `in_recovery`.
        """
        self._routes.append((make, in_recovery))

    def routers(self) -> list[APIRouter]:
        return [
            make(self) if in_recovery else refused_in_recovery(self.database, make(self))
            for make, in_recovery in self._routes
        ]

    # How it comes back from a backup

    def recovers_with(self, carry_out_again: CarryOutAgain) -> None:
        """Carry out again what was erased since a moment by a record of one's own, instead of asking retention."""
        self._carry_out_again = carry_out_again

    def puts_back(self, event: type[E], reaction: Single[E], *, purpose: PurposeId) -> None:
        """Runs for this service's own events since the backup, when its database was restored; never otherwise."""
        if event.topic.owner != self.name:
            raise BadReaction(f"{event.type} is not this service's own to say: it is read again anyhow")
        check_purpose(self.name, purpose, event)
        mode = Mode.PROTOCOL if event.privacy_protocol else Mode.STORE
        self.own_past[event] = Reaction(event, mode, purpose, single=reaction)

    async def carry_out_again(self, since: datetime) -> int:
        """Erase what this database forgot that it had erased; the answer is how many erasures there were.

        Raises:
            Exception: one of `chassis.errors.TRANSIENT`; begin anew.
        """
        if self._carry_out_again is not None:
            return await self._carry_out_again(since)
        erase = self._reactions[ErasureRequested].single
        if self._ledger is None or erase is None:
            raise SafeError("the service is not open yet")
        return await carry_out_again(self._ledger, self.database, self.holder, erase, since)

    # What follows

    @property
    def reactions(self) -> dict[type[Event], Reaction]:
        return dict(self._reactions)

    @property
    def takes_every_record(self) -> bool:
        return self._raw is not None

    def topics(self) -> list[Topic]:
        """The topics it consumes, by name."""
        if self._raw is not None:
            return sorted(TOPICS.values())
        return sorted({event.topic for event in self._reactions})

    def group(self, topic: Topic) -> str:
        """The consumer group for a topic: one each, so that a rebalance of one leaves the others alone."""
        return f"{self.settings.topic_prefix}{self.name}.{topic.name}"

    def groups(self) -> list[ConsumerGroup]:
        """What the fence of an erasure waits for."""
        prefix = self.settings.topic_prefix
        return [ConsumerGroup(group=self.group(topic), topics=(prefix + topic.name,)) for topic in self.topics()]

    @property
    def database(self) -> Database:
        if self._database is None:
            raise SafeError("the service is not open yet")
        return self._database

    @property
    def keys(self) -> SubjectKeys:
        return self.database.keys

    @property
    def runner(self) -> BatchRunner:
        if self._runner is None:
            raise SafeError("the service is not open yet")
        return self._runner

    @property
    def own_key(self) -> OwnKey:
        return OwnKey(self.settings.service_key())

    @property
    def replayer(self) -> Replayer:
        return Replayer(self.database, self.runner, self.own_key)

    async def open(self, stack: AsyncExitStack) -> None:
        """Make the pool and the clients; nothing is connected before it is first needed. `stack` closes them.

        A service that declared no reaction to `ErasureRequested` erases what its holder declares: silence would hold up
        every erasure there is.

        Raises:
            SafeError: the service key can't be read.
        """
        key = self.settings.service_key()
        signing_key = load_pem_private_key(key, password=None)
        if not isinstance(signing_key, Ed25519PrivateKey):
            raise SafeError("TILLIT_SERVICE_KEY_FILE must hold an Ed25519 private key (PKCS8 PEM)")
        http = httpx.AsyncClient(
            base_url=str(self.settings.keyring_url), timeout=5, verify=tls.trusted(), trust_env=False
        )
        stack.push_async_callback(http.aclose)
        pool = await connect_pool(self.settings.database_url.get_secret_value(), size=POOL_SIZE)
        stack.callback(pool.terminate)
        stack.push_async_callback(self.topic_offsets.close)
        self.metrics.database_connections.set_function(lambda: pool.get_size() - pool.get_idle_size())
        self.metrics.cache_entries.labels("partitions").set_function(partitioning.cached)
        self.metrics.cache_entries.labels("blob names").set_function(sealing.cached)
        signer = Signer(self.name, key, self.clock)
        self._ledger = ErasureLedger(http, signer)
        keys = SubjectKeys(http, signer, self.clock, self._key_categories, self.metrics)
        self._database = Database(
            pool,
            keys=keys,
            clock=self.clock,
            wakeups=self.wakeups,
            source=self.name,
            signing_key=signing_key,
            topic_prefix=self.settings.topic_prefix,
        )
        self._runner = BatchRunner(
            self._database,
            reactions=self._reactions,
            raw=self._raw,
            holder=self.holder,
            own_key=OwnKey(key),
            metrics=self.metrics,
            topic_prefix=self.settings.topic_prefix,
        )
        self._reactions.setdefault(ErasureRequested, erasing(self.holder.erase))
        self.wakeups.on_payload(KEYS_CHANNEL, lambda payload: drop_keys(keys, payload))

    def _react(self, reaction: Reaction) -> None:
        check_purpose(self.name, reaction.purpose, reaction.event)
        builtin = self._builtin.get(reaction.event)
        if self._reactions.get(reaction.event) is not builtin:
            raise BadReaction(f"{reaction.event.type} has two reactions here: call both from one")
        if builtin is not None and reaction.mode is not Mode.PROTOCOL:
            raise BadReaction(f"{reaction.event.type} is part of the privacy protocol: declare protocol")
        self._reactions[reaction.event] = reaction if builtin is None else after_builtin(builtin, reaction)
