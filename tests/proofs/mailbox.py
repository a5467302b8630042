"""A mail server that takes everything and keeps it: what was sent to whom."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True)
class Sent:
    """One mail."""

    to: str
    message_id: str
    text: str


@dataclass
class Mailbox:
    """What arrived."""

    port: int = 0
    mails: list[Sent] = field(default_factory=list[Sent])

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        content = cast("bytes", envelope.original_content)
        message_id = str(message_from_bytes(content)["Message-ID"])
        self.mails.extend(Sent(to, message_id, content.decode("utf-8", "replace")) for to in envelope.rcpt_tos)
        return "250 OK"


@asynccontextmanager
async def mailbox() -> AsyncGenerator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(box, hostname="box.example", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", 0
    )
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
