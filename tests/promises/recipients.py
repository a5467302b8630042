"""Organisations outside, as a test plays them: they get data of a person, and are told what becomes of it."""

import asyncio
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID, uuid4

import httpx
from chassis.clock import SystemClock, monotonic
from chassis.database import Database, connect_pool
from chassis.keys import SubjectKeys
from chassis.tokens import Signer
from chassis.wakeups import Wakeups
from contracts.disclosure import PersonalDataDisclosed, RecipientKind, RecipientRegistered
from contracts.personal import Category, SubjectId
from contracts.rights import ProcessingRestricted
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from local_stack.keys import private_key
from local_stack.stack import StackInfo

from .system import SECONDS, System

FIELDS: Final = ("name", "resume")
WHY: Final = "en søknad på stillingen Fyrvokter"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One organisation, and the reference under which it knows the person from its disclosure on."""

    name: str
    webhook: str | None = None
    mail: str | None = None
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    recipient_id: UUID = field(default_factory=uuid4)
    reference: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(frozen=True, slots=True)
class Taken:
    """One request as the server got it."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Outside:
    """A server on the internet: at `/acts` it answers that it acted on what it was told, at `/silent` it never answers."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    port: int = 0
    taken: list[Taken] = field(default_factory=list[Taken])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def taken_at(self, path: str) -> list[Taken]:
        return [one for one in self.taken if one.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            pairs = (line.partition(":") for line in lines if line)
            headers = {name.lower(): value.strip() for name, _, value in pairs}
            taken = Taken(first.split(" ")[1], headers, await reader.readexactly(int(headers["content-length"])))
            self.taken.append(taken)
            if taken.path == "/silent":
                await reader.read()  # until the other side gives up
                return
            await self._acknowledge(taken.body)
            writer.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _acknowledge(self, body: bytes) -> None:
        """As somebody does who has read nothing but the README."""
        notice = json.loads(body)
        told = {
            "acted_at": "2026-02-03T10:00:00Z",
            "notice_id": notice["notice_id"],
            "references": notice["references"],
        }
        content = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        signature = self.key.sign(b"tillit acknowledgement v1\n" + content)
        answer = {"acted_at": told["acted_at"], "signature": unpadded(signature)}
        async with httpx.AsyncClient(trust_env=False) as http:
            (await http.post(notice["acknowledge"], json=answer)).raise_for_status()


@asynccontextmanager
async def outside_world() -> AsyncGenerator[Outside]:
    made = Outside()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def disclosed(system: System, subject: UUID, *recipients: Recipient) -> None:
    """These register, and receive data of the person; the system knows when it returns."""
    async with outbox_of("profile", system.info) as database, database.transaction([SubjectId(subject)]) as tx:
        for one in recipients:
            tx.publish(
                RecipientRegistered(
                    recipient_id=one.recipient_id,
                    name=one.name,
                    kind=RecipientKind.EMPLOYER,
                    webhook=one.webhook,
                    mail=one.mail,
                    acknowledgement_key=unpadded(one.key.public_key().public_bytes_raw()),
                    registered_at=tx.now(),
                )
            )
            tx.publish(
                PersonalDataDisclosed(
                    subject_id=SubjectId(subject),
                    disclosure_id=uuid4(),
                    recipient_id=one.recipient_id,
                    reference=one.reference,
                    data_category=Category.USER_INFORMATION,
                    fields=FIELDS,
                    why=WHY,
                    disclosed_at=tx.now(),
                )
            )
    await system.settled()


async def restricted(system: System, subject: UUID, restriction_id: UUID) -> None:
    """The person's details may be used no more for now, as rights cases will say; said once for each call."""
    async with outbox_of("retention", system.info) as database, database.transaction([SubjectId(subject)]) as tx:
        tx.publish(
            ProcessingRestricted(
                subject_id=SubjectId(subject),
                restriction_id=restriction_id,
                categories=frozenset({Category.USER_INFORMATION}),
                restricted_at=tx.now(),
            )
        )
    await system.settled()


@asynccontextmanager
async def outbox_of(service: str, info: StackInfo) -> AsyncGenerator[Database]:
    """Its relay sends what is published here, on the topics that it owns.

    Profile discloses nothing before order 4. Only then may it read the keys of rights cases, which seal the salts of such
    events; here they are fetched in the name of retention, which may.
    """
    clock = SystemClock()
    signer = Signer("retention", (info.keys / "retention.pem").read_bytes(), clock)
    async with httpx.AsyncClient(base_url=info.services["retention"], trust_env=False) as http:
        pool = await connect_pool(info.databases[service], size=1)
        try:
            yield Database(
                pool,
                keys=SubjectKeys(http, signer, clock, frozenset({Category.RIGHTS_CASE})),
                clock=clock,
                wakeups=Wakeups(info.databases[service]),
                source=service,
                signing_key=private_key(info.keys / f"{service}.pem"),
            )
        finally:
            pool.terminate()


async def states(system: System, subject: UUID) -> dict[str, list[tuple[str, str]]]:
    """By the recipient's name: of what it was told, and where each notice stands, as an officer sees it."""
    query = {"subject_id": str(subject), "limit": "200"}
    answer = json.loads(await system.operator.call("retention", "GET", "/recipients", query=query))
    return {one["name"]: [(told["kind"], told["state"]) for told in one["notices"]] for one in answer["items"]}


async def told(system: System, subject: UUID, recipient: Recipient, kind: str, state: str) -> None:
    """Wait until the recipient's only notice stands there."""
    deadline = monotonic() + SECONDS
    while (now := await states(system, subject))[recipient.name] != [(kind, state)]:
        if monotonic() > deadline:
            raise TimeoutError(f"notices stand at {now}")
        await asyncio.sleep(0.1)


def unpadded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def padded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
