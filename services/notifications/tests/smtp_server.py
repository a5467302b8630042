"""A real SMTP server (aiosmtpd) on a free port, which accepts, refuses or hangs up as a test asks it to."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from typing import Any, cast

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Catcher:
    """What arrived, and what to answer. `cut_after_data` is how many mails are taken without saying so."""

    port: int = 0
    rcpt_answers: list[str] = field(default_factory=list[str])
    data_answers: list[str] = field(default_factory=list[str])
    cut_after_data: int = 0
    during_data: Callable[[], Awaitable[None]] | None = None
    connections: int = 0
    recipients: list[str] = field(default_factory=list[str])
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    raw: list[bytes] = field(default_factory=list[bytes])

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answers:
            return self.data_answers.pop(0)
        content = cast("bytes", envelope.original_content)
        self.recipients.extend(envelope.rcpt_tos)
        self.raw.append(content)
        self.mails.append(cast("EmailMessage", message_from_bytes(content, policy=cast("Any", POLICY))))
        if self.during_data is not None:
            await self.during_data()
        if self.cut_after_data:
            self.cut_after_data -= 1
            cast("asyncio.Transport", server.transport).abort()
        return "250 OK"


@asynccontextmanager
async def mail_catcher() -> AsyncGenerator[Catcher]:
    """A server for the time of a test."""
    catcher = Catcher()

    def connected() -> SMTP:
        catcher.connections += 1
        return SMTP(catcher, hostname="catcher.example", enable_SMTPUTF8=True, loop=asyncio.get_running_loop())

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0)
    catcher.port = server.sockets[0].getsockname()[1]
    try:
        yield catcher
    finally:
        server.close()
