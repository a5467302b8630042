"""Accepts every mail over SMTP and shows it in a browser and as JSON; it is the outside world and delivers nothing.

Mails are files in one folder, so they survive a restart of the catcher; the newest 20,000 are kept.
"""

import argparse
import asyncio
import contextlib
import email
import email.policy
import html
import logging
from dataclasses import asdict, dataclass
from email.message import MIMEPart
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_stack.ports import HOST

KEPT = 20_000
PAGE_SIZE = 100
LARGEST_MAIL = 10_000_000
_RECIPIENTS = "X-Envelope-To"


@dataclass(frozen=True)
class CaughtMail:
    """One mail as it was delivered; `order` counts from 1 in the order of arrival and is never used twice."""

    order: int
    message_id: str
    sender: str
    to: list[str]
    subject: str
    text: str


@dataclass(frozen=True)
class _Entry:
    order: int
    recipients: frozenset[str]


class Mailbox:
    """The folder of mails, with what is needed to find them in memory."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._kept = kept
        self._entries = [_Entry(int(file.stem), _recipients(file)) for file in sorted(folder.glob("*.eml"))]
        self._next = self._entries[-1].order + 1 if self._entries else 1

    def add(self, recipients: list[str], content: bytes) -> None:
        """Store it before it is acknowledged; the oldest goes when there are too many."""
        order = self._next
        draft = self._folder / "incoming.partial"
        draft.write_bytes(f"{_RECIPIENTS}: {', '.join(recipients)}\r\n".encode() + content)
        draft.replace(self._file(order))
        self._next += 1
        self._entries.append(_Entry(order, frozenset(address.lower() for address in recipients)))
        if len(self._entries) > self._kept:
            self._file(self._entries.pop(0).order).unlink()

    def find(self, to: str | None, page: int, *, newest_first: bool = False) -> tuple[int, list[CaughtMail]]:
        """How many there are for this address (for anyone without one), and one page of them."""
        found = [entry.order for entry in self._entries if to is None or to.lower() in entry.recipients]
        if newest_first:
            found.reverse()
        return len(found), [self._read(order) for order in found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]]

    def _file(self, order: int) -> Path:
        return self._folder / f"{order:09}.eml"

    def _read(self, order: int) -> CaughtMail:
        parsed = email.message_from_bytes(self._file(order).read_bytes(), policy=email.policy.default)
        body = parsed.get_body(preferencelist=("plain", "html"))
        return CaughtMail(
            order=order,
            message_id=str(parsed.get("Message-ID", "")),
            sender=str(parsed.get("From", "")),
            to=_addresses(str(parsed.get(_RECIPIENTS, ""))),
            subject=str(parsed.get("Subject", "")),
            text=_text(body) if body is not None else "",
        )


def _text(body: MIMEPart) -> str:
    raw = body.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return ""
    try:
        return raw.decode(body.get_content_charset("utf-8"), errors="replace").replace("\r\n", "\n")
    except LookupError:
        # a character set that does not exist
        return raw.decode(errors="replace")


def _addresses(header: str) -> list[str]:
    return [address.strip() for address in header.split(",") if address.strip()]


def _recipients(file: Path) -> frozenset[str]:
    with file.open("rb") as content:
        header = content.readline().decode(errors="replace").partition(":")[2]
    return frozenset(address.lower() for address in _addresses(header))


class _Delivery:
    """What aiosmtpd calls for each mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802, its name there
        content = envelope.content or b""
        self._mailbox.add(envelope.rcpt_tos, content.encode() if isinstance(content, str) else content)
        return "250 OK"


def web_application(mailbox: Mailbox) -> Starlette:
    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    async def as_json(request: Request) -> Response:
        page = _page(request)
        if page is None:
            return PlainTextResponse("page is a number from 1", status_code=400)
        count, mails = mailbox.find(request.query_params.get("to"), page)
        return JSONResponse(
            {"count": count, "page": page, "page_size": PAGE_SIZE, "mails": [asdict(mail) for mail in mails]}
        )

    async def as_page(request: Request) -> Response:
        page = _page(request) or 1
        to = request.query_params.get("to") or None
        count, mails = mailbox.find(to, page, newest_first=True)
        return HTMLResponse(_render(count, mails, to, page))

    return Starlette(
        routes=[Route("/", as_page), Route("/api/mails", as_json), Route("/health/ready", ready)],
    )


def _page(request: Request) -> int | None:
    text = request.query_params.get("page", "1")
    return int(text) if text.isdecimal() and 0 < int(text) < 10**6 else None


_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
details{border-top:1px solid #d8dee6;padding:.5rem 0}summary{cursor:pointer}pre{white-space:pre-wrap}
small{color:#5b6675}input{font:inherit;padding:.2rem .5rem}"""


def _render(count: int, mails: list[CaughtMail], to: str | None, page: int) -> str:
    """One page of mails as HTML; every value of a mail is text, never markup."""
    rows = "".join(
        f"<details><summary><b>{html.escape(mail.subject)}</b> <small>#{mail.order} to "
        f"{html.escape(', '.join(mail.to))}</small></summary><pre>{html.escape(mail.text)}</pre></details>"
        for mail in mails
    )
    address = html.escape(to or "", quote=True)
    older = f'<p><a href="?to={address}&amp;page={page + 1}">older</a></p>' if count > page * PAGE_SIZE else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Caught mail</title><style>{_STYLE}</style>'
        f'<h1>Caught mail</h1><form><input name="to" value="{address}" placeholder="only to this address"></form>'
        f"<p>{count} mails. Nothing here left this machine.</p>{rows}{older}</html>"
    )


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Run both listeners until SIGTERM or SIGINT."""
    mailbox = Mailbox(folder)
    delivery = _Delivery(mailbox)
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(delivery, hostname="catcher.local", enable_SMTPUTF8=True, data_size_limit=LARGEST_MAIL, loop=loop)

    smtp = await loop.create_server(protocol, HOST, smtp_port)
    config = uvicorn.Config(web_application(mailbox), host=HOST, port=http_port, log_level="warning", access_log=False)
    async with smtp:
        await uvicorn.Server(config).serve()


def main() -> None:
    parser = argparse.ArgumentParser(description="catches every mail sent to it")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    chosen = parser.parse_args()
    # its own lines name addresses
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    # uvicorn ends by raising the signal that stopped it once more
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(chosen.folder, chosen.smtp_port, chosen.http_port))


if __name__ == "__main__":
    main()
