"""Recipients as a test has them: real HTTP servers that take notices, refuse them or say nothing, and keys that answer."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID, uuid4

from contracts.disclosure import PersonalDataDisclosed, RecipientKind, RecipientRegistered
from contracts.personal import Category, SubjectId
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from retention_service.acknowledge_notice import signed_bytes

from .rig import Rig


@dataclass
class Taken:
    """One request as the server got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def notice(self) -> dict[str, object]:
        return json.loads(self.body)


@dataclass
class Endpoint:
    """A server for many recipients, each at a path of its own. Those in `silent` are never answered."""

    port: int = 0
    silent: set[str] = field(default_factory=set[str])
    answers: dict[str, str] = field(default_factory=dict[str, str])
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """Awaited once, before the next request is answered."""
    taken: list[Taken] = field(default_factory=list[Taken])
    at_once: int = 0
    most_at_once: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            path = first.split(" ")[1]
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if path in self.silent:
                await reader.read()  # until the other side gives up
                return
            self.taken.append(Taken(path, headers, body))
            meanwhile, self.meanwhile = self.meanwhile, None
            if meanwhile is not None:
                await meanwhile()
            writer.write(f"HTTP/1.1 {self.answers.get(path, '204 No Content')}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.at_once -= 1
            writer.close()


@asynccontextmanager
async def endpoint() -> AsyncGenerator[Endpoint]:
    made = Endpoint()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@dataclass
class Employer:
    """A recipient, with the key it answers with."""

    rig: Rig
    name: str = "Fjell sykehus"
    webhook: str | None = None
    mail: str | None = None
    answers: bool = True
    recipient_id: UUID = field(default_factory=uuid4)
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def registered(self) -> RecipientRegistered:
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return RecipientRegistered(
            recipient_id=self.recipient_id,
            name=self.name,
            kind=RecipientKind.EMPLOYER,
            webhook=self.webhook,
            mail=self.mail,
            acknowledgement_key=urlsafe_b64encode(public).decode().rstrip("=") if self.answers else None,
            registered_at=self.rig.clock.now(),
        )

    def received(
        self, subject: UUID, *, category: Category = Category.USER_INFORMATION, reference: str | None = None
    ) -> PersonalDataDisclosed:
        return PersonalDataDisclosed(
            subject_id=SubjectId(subject),
            disclosure_id=uuid4(),
            recipient_id=self.recipient_id,
            reference=reference or f"ref-{uuid4()}",
            data_category=category,
            fields=("name", "resume"),
            why="an application for Sykepleier, natt",
            disclosed_at=self.rig.clock.now(),
        )

    def acknowledgement(
        self, notice: dict[str, object], *, by: Ed25519PrivateKey | None = None, acted_at: str = "2026-02-03T10:00:00Z"
    ) -> dict[str, str]:
        references = cast("list[str]", notice["references"])
        content = signed_bytes(UUID(str(notice["notice_id"])), references, acted_at)
        return {"acted_at": acted_at, "signature": urlsafe_b64encode((by or self.key).sign(content)).decode()}


async def disclosed(rig: Rig, subject: UUID, *employers: Employer) -> None:
    """These employers register, and receive data of the person."""
    await rig.deliver(*(employer.registered() for employer in employers))
    await rig.deliver(*(employer.received(subject) for employer in employers))


async def told_states(rig: Rig, subject: UUID) -> dict[str | None, list[str]]:
    """Per recipient's name: where the notices to it stand."""
    answer = await rig.get(f"/recipients?subject_id={subject}&limit=200", "privacy-officer")
    assert answer.status_code == 200, answer.text
    items: Sequence[dict[str, object]] = answer.json()["items"]
    found: dict[str | None, list[str]] = {}
    for item in items:
        notices = cast("list[dict[str, object]]", item["notices"])
        name = item["name"]
        found[None if name is None else str(name)] = [str(one["state"]) for one in notices]
    return found
