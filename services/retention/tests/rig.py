"""A retention service on a real database, serving real HTTP, with the keys of everybody who may talk to it."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import httpx
from chassis.clock import MovedClock, new_id
from chassis.edge import make_app, serve
from chassis.health import Loop
from chassis.holder_replies import sign_answer, sign_reply
from chassis.jwks import jwks
from chassis.keys import LOG_KEY, KeyName, KeySet
from chassis.migrations import CHASSIS, MigrationSource
from chassis.process import verifiers
from chassis.records import Cause, Record, encode
from chassis.service import Service
from chassis.sql import borrow
from chassis.testing.containers import Postgres, free_port
from chassis.testing.databases import Database, fresh_database
from chassis.tokens import Signer
from chassis.work_loop import LEASE, WorkLoop
from contracts.communication import LastMailEnded, LastMailOutcome
from contracts.event import Event
from contracts.personal import Category, SubjectId
from contracts.privacy import ConsumerGroup, ErasureRequested, HolderRegistered, PersonalDataErased
from contracts.profile import DeletionReason, ProfileDeleted
from contracts.receipts import LastMailRequested
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from retention_service.app import build
from retention_service.settings import RetentionSettings

from chassis import tls

HOLDERS = ("audit-log", "notifications", "profile", "retention")
CALLERS = (*HOLDERS, "operator", "privacy-officer", "stranger")
MIGRATIONS = (CHASSIS, MigrationSource("retention", files("retention_service") / "migrations"))
START = datetime(2026, 1, 31, 12, tzinfo=UTC)


def new_subject() -> SubjectId:
    return SubjectId(uuid4())


class Identities:
    """A private key for everybody, and the JWKS of those who are trusted: all but `forger`."""

    def __init__(self, folder: Path) -> None:
        self.keys = {name: Ed25519PrivateKey.generate() for name in (*CALLERS, "forger")}
        self.jwks = folder / "services.jwks"
        self.login_jwks = folder / "login.jwks"
        self.own_key = folder / "retention.pem"
        clock = MovedClock(START)
        self.jwks.write_text(jwks([self.signer(name, clock).jwk() for name in CALLERS]))
        self.login_jwks.write_text(jwks([]))
        self.own_key.write_bytes(self.pem("retention"))

    def pem(self, name: str) -> bytes:
        return self.keys[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def signer(self, name: str, clock: MovedClock) -> Signer:
        return Signer(name, self.pem(name), clock)


@dataclass
class Rig:
    """One opened service, and what the world does to it."""

    service: Service
    settings: RetentionSettings
    database: Database
    identities: Identities
    clock: MovedClock
    url: str
    _offsets: "count[int]" = field(default_factory=count)

    lease = LEASE
    """How long a dead worker's items are kept from others."""

    def taken_over_by(self, service: Service) -> "Rig":
        """The same world, with another process of the service in it."""
        return replace(self, service=service)

    # Over HTTP

    def token(self, caller: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.identities.signer(caller, self.clock).internal('retention')}"}

    async def post(self, caller: str, path: str, body: object) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, verify=tls.trusted()) as client:
            return await client.post(path, json=body, headers=self.token(caller))

    async def get(self, path: str, caller: str = "operator") -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url, verify=tls.trusted()) as client:
            return await client.get(path, headers=self.token(caller))

    async def make(self, subject: UUID, categories: Collection[str] = tuple(Category)) -> httpx.Response:
        return await self.post("profile", "/keys", {"subject_id": str(subject), "categories": sorted(categories)})

    async def fetch(self, caller: str, *names: tuple[UUID, str]) -> httpx.Response:
        wanted = [{"subject_id": str(subject), "category": category} for subject, category in names]
        return await self.post(caller, "/keys/fetch", {"keys": wanted})

    async def key(self, caller: str, subject: UUID, category: str) -> bytes | None:
        answer = (await self.fetch(caller, (subject, category))).json()
        key = answer["keys"][0]["key"]
        return None if key is None else b64decode(key)

    # As events

    def record(self, event: Event, offset: int | None = None) -> Record:
        """The event as Kafka would give it."""
        names = [LOG_KEY, *(KeyName(subject, category) for subject in event.subjects() for category in Category)]
        outgoing = encode(
            event,
            KeySet({name: AESGCM(b"k" * 32) for name in names}),
            Cause(uuid4()),
            event_id=new_id(self.clock),
            source="profile",
            at=self.clock.now(),
            prefix=self.settings.topic_prefix,
        )
        at = next(self._offsets) if offset is None else offset
        return Record(outgoing.topic, 0, at, outgoing.key.encode(), outgoing.headers, outgoing.body)

    async def deliver(self, *events: Event) -> None:
        """Take these in, one batch each, in this order."""
        for event in events:
            await self.service.runner.run(event.topic.name, [self.record(event)], [])

    async def register(self, holder: str, *groups: ConsumerGroup) -> None:
        await self.deliver(self.registration(holder, *groups))

    def registration(self, holder: str, *groups: ConsumerGroup, signed_by: str | None = None) -> HolderRegistered:
        said = HolderRegistered(holder=holder, groups=groups, tables=(), registered_at=self.clock.now())
        key = self.identities.keys.get(signed_by or holder, self.identities.keys["forger"])
        return sign_reply(said, key)

    async def delete(self, subject: UUID, reason: DeletionReason = DeletionReason.TERMINATED) -> None:
        await self.deliver(self.deleted(subject, reason))

    def deleted(self, subject: UUID, reason: DeletionReason = DeletionReason.TERMINATED) -> ProfileDeleted:
        return ProfileDeleted(subject_id=SubjectId(subject), reason=reason, deleted_at=self.clock.now())

    def reply(
        self,
        request: ErasureRequested,
        holder: str,
        *,
        signed_by: str | None = None,
        rows: Mapping[str, int] | None = None,
        counted: int = 1,
    ) -> PersonalDataErased:
        reply = PersonalDataErased(
            subject_id=request.subject_id,
            erasure_id=request.erasure_id,
            nonce=request.nonce,
            holder=holder,
            rows=dict(rows or {"contacts": 1}),
            erased_at=self.clock.now(),
            signature="",
            rows_by_category=dict.fromkeys(request.categories, counted),
            asking=request.asking,
            categories=tuple(sorted(request.categories)),
        )
        return sign_answer(request.receipt, reply, self.identities.keys[signed_by or holder])

    async def answer(self, request: ErasureRequested, holders: Sequence[str] = HOLDERS) -> None:
        """These holders erase and answer, as they should."""
        for holder in holders:
            await self.deliver(self.reply(request, holder))

    # What it did

    async def published(self, kind: type[Event]) -> list[Event]:
        """Events of this type in the outbox, oldest first; no relay runs here."""
        async with borrow(self.service.database.pool) as connection:
            rows = await connection.fetch(
                "SELECT body FROM outbox WHERE position(convert_to($1, 'UTF8') in headers) > 0 ORDER BY position",
                f"ce_type:{kind.type}\n",
            )
        return [kind.model_validate_json(row["body"]) for row in rows]

    async def requests(self) -> list[ErasureRequested]:
        return [event for event in await self.published(ErasureRequested) if isinstance(event, ErasureRequested)]

    async def reasons_parked(self) -> list[str]:
        async with borrow(self.service.database.pool) as connection:
            return [row["reason"] for row in await connection.fetch("SELECT reason FROM parked ORDER BY id")]

    async def erasures_of(self, subject: UUID) -> list[dict[str, object]]:
        return (await self.get(f"/erasures?subject_id={subject}")).json()["items"]

    async def stage(self, subject: UUID) -> str:
        (erasure,) = await self.erasures_of(subject)
        return str(erasure["stage"])

    @staticmethod
    def parts(erasure: Mapping[str, object]) -> list[dict[str, object]]:
        """Each holder's part, as the operator sees it."""
        return cast("list[dict[str, object]]", erasure["holders"])

    @staticmethod
    def scans(erasure: Mapping[str, object]) -> list[dict[str, object]]:
        """Each holder's part in each look for residue."""
        return cast("list[dict[str, object]]", erasure["scans"])

    async def silent(self, subject: UUID) -> set[str]:
        """Who still owes the answer to this person's newest erasure."""
        erasure = (await self.erasures_of(subject))[0]
        return {str(part["holder"]) for part in self.parts(erasure) if part["replied_at"] is None}

    async def erase(self, subject: UUID, reason: DeletionReason = DeletionReason.TERMINATED) -> ErasureRequested:
        """A person's whole erasure, with holders that all answer, and the fence open."""
        await self.delete(subject, reason)
        request = (await self.requests())[-1]
        await self.answer(request)
        await self.without_fence(subject)
        return request

    async def until_somebody_waits_for_a_lock(self) -> None:
        """Until another transaction waits for what this test holds."""
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(30), borrow(self.service.database.pool) as connection:
            while not await connection.fetchval(waits):  # noqa: ASYNC110 - the server's own word, not an event
                await asyncio.sleep(0.02)

    async def work(self, kind: str) -> None:
        """Do everything of this kind that is due, as the worker would."""
        service = self.service
        (known,) = [known for known in service.work_kinds if known.kind == kind]
        loop = WorkLoop(
            known,
            database=service.database,
            wake=asyncio.Event(),
            metrics=service.metrics,
            loop=Loop(timedelta(minutes=1), lambda: 0.0),
        )
        running = asyncio.create_task(loop.run())
        async with asyncio.timeout(60):
            while not running.done() and await self._due(kind):  # noqa: ASYNC110 - the table is the truth, not an event
                await asyncio.sleep(0.02)
        loop.stop()
        await running

    async def _due(self, kind: str) -> int:
        async with borrow(self.service.database.pool) as connection:
            return await connection.fetchval(
                "SELECT count(*) FROM work WHERE kind = $1 AND (due_at <= $2 OR lease IS NOT NULL)",
                kind,
                self.clock.now(),
            )

    async def without_fence(self, subject: UUID) -> None:
        """As the fence does when every holder has read far enough, and what follows to the end."""
        await self.pass_fence(subject)
        await self.behind_the_fence()

    async def pass_fence(self, subject: UUID) -> None:
        """From fencing to telling."""
        async with borrow(self.service.database.pool) as connection, connection.transaction():
            fence = uuid4()
            await connection.execute(
                "INSERT INTO fences (fence_id, taken_at, end_offsets, passed_at) VALUES ($1, $2, '{}', $2)",
                fence,
                self.clock.now(),
            )
            row = await connection.fetchrow(
                "UPDATE erasures SET stage = 'telling', fence_id = $2, fenced_at = $3 WHERE subject_id = $1"
                " AND stage = 'fencing' RETURNING erasure_id",
                subject,
                fence,
                self.clock.now(),
            )
            if row is not None:
                await connection.execute(
                    "INSERT INTO work (kind, key, subject_id, due_at, correlation_id)"
                    " VALUES ('tell_recipients', $1, $2, $3, $4)",
                    str(row["erasure_id"]),
                    subject,
                    self.clock.now(),
                    uuid4(),
                )

    async def behind_the_fence(self) -> None:
        """Everything that is due of everybody who passed the fence; notifications sends each last mail at once."""
        await self.work("tell_recipients")
        await self.work("tell_all")
        await self.work("last_mail")
        await self.end_last_mails()
        await self.work("destroy_keys")

    async def last_mails_asked(self) -> list[dict[str, object]]:
        """Every request for a last mail as it goes out, sealed."""
        async with borrow(self.service.database.pool) as connection:
            rows = await connection.fetch(
                "SELECT body FROM outbox WHERE position(convert_to($1, 'UTF8') in headers) > 0 ORDER BY position",
                f"ce_type:{LastMailRequested.type}\n",
            )
        return [json.loads(row["body"]) for row in rows]

    async def end_last_mails(self, outcome: LastMailOutcome = LastMailOutcome.SENT) -> None:
        """As notifications does, for every mail that is waited for."""
        asked = await self.last_mails_asked()
        for subject_id, erasure_id in dict.fromkeys(
            (str(mail["subject_id"]), str(mail["erasure_id"])) for mail in asked
        ):
            await self.deliver(
                LastMailEnded(
                    subject_id=SubjectId(UUID(subject_id)),
                    erasure_id=UUID(erasure_id),
                    outcome=outcome,
                    ended_at=self.clock.now(),
                )
            )


@asynccontextmanager
async def running_api(postgres: Postgres, folder: Path, **more: object) -> AsyncGenerator[Rig]:
    """A migrated database, a directory of key-encryption keys, and the service in front of them."""
    identities = Identities(folder)
    clock = MovedClock(START)
    port = free_port()
    async with fresh_database(postgres, "retention", MIGRATIONS, clock) as database:
        settings = settings_for(identities, folder, database.dsn, port, **more)
        async with opened(settings, clock) as service:
            for prepare in service.at_migration:
                await prepare()
            async with serving(service, settings, port):
                yield Rig(service, settings, database, identities, clock, f"http://127.0.0.1:{port}")


@asynccontextmanager
async def opened(settings: RetentionSettings, clock: MovedClock) -> AsyncGenerator[Service]:
    """A service as a new process would have it."""
    service = build(settings)
    service.clock = clock
    async with AsyncExitStack() as stack:
        await service.open(stack)
        yield service


@asynccontextmanager
async def serving(service: Service, settings: RetentionSettings, port: int) -> AsyncGenerator[None]:
    app = make_app(
        title="retention",
        routers=service.routers(),
        settings=settings,
        health=service.health,
        metrics=service.metrics,
        verifiers=verifiers(service),
        clock=service.clock,
        own_secret=service.own_key.secret("http"),
    )
    stop, started = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(app, "127.0.0.1", port, stop=stop, started=lambda _port: started.set(), drain_seconds=1)
    )
    await asyncio.wait({serving, asyncio.create_task(started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        await serving


def settings_for(identities: Identities, folder: Path, dsn: str, port: int, **more: object) -> RetentionSettings:
    return RetentionSettings.model_validate(
        {
            "database_url": dsn,
            "kafka_bootstrap": "127.0.0.1:1",
            "http_port": port,
            "keyring_url": f"http://127.0.0.1:{port}",
            "service_key_file": identities.own_key,
            "service_jwks_file": identities.jwks,
            "login_jwks_file": identities.login_jwks,
            "kek_dir": folder / "keks",
            "public_url": "https://retention.example",
            **more,
        }
    )
