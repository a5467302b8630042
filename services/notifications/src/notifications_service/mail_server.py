"""Hands mails to the mail server, over a few connections that are kept while there is something to send.

An answer of 5xx to the recipient or the content is about this mail, for good. Everything else (no server, 4xx, a refusal
of ourselves, a connection cut at any point) may pass: the same mail, with the same Message-ID, is sent again later.
"""

import asyncio
from asyncio import TimerHandle
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from email.message import EmailMessage
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from chassis.logs import SafeError
from chassis.network import refuse_in_transaction

CONNECTIONS: Final = 4
IDLE_SECONDS: Final = 5.0
SEND_SECONDS: Final = 20.0
"""For one mail with everything around it: well within the lease of the errand."""
MAILBOX_NOT_ALLOWED: Final = 553
"""RFC 5321, 4.2.3: what a server answers to a mailbox that it can't take."""


class Refused(SafeError):
    """The mail server will never take this mail. It says the code only: the server's text may name the address."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the mail server refused the mail ({code})")
        self.code = code


class NotAccepted(SafeError):
    """The mail server did not take the mail now, or took it and could not say so."""


class MailServer:
    """One mail server, asked by at most `CONNECTIONS` at a time."""

    def __init__(self, host: str, port: int, *, sender: str) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._gate = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[tuple[SMTP, TimerHandle]] = []

    async def send(self, message: EmailMessage, to: str) -> None:
        """Return once the server has taken the mail.

        Raises:
            Refused: it never will.
            NotAccepted: it may later.
        """
        refuse_in_transaction("sending mail")
        async with self._gate:
            connection: SMTP | None = None
            usable = False
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    connection = await self._connected()
                    await connection.send_message(message, sender=self._sender, recipients=[to])
                usable = True
            except SMTPRecipientsRefused as error:
                usable = True
                raise _verdict(error.recipients[0].code) from None
            except SMTPDataError as error:
                usable = True
                raise _verdict(error.code) from None
            except SMTPNotSupported:
                usable = True
                raise Refused(MAILBOX_NOT_ALLOWED) from None
            except SMTPResponseException as error:
                raise NotAccepted(f"the mail server does not serve us ({error.code})") from None
            except (SMTPException, OSError) as error:
                raise NotAccepted(f"the mail server can't be reached ({type(error).__name__})") from None
            finally:
                if connection is not None:
                    self._put_back(connection, usable=usable)

    async def _connected(self) -> SMTP:
        while self._idle:
            connection, timer = self._idle.pop()
            timer.cancel()
            with _closed_unless_kept(connection) as keep:
                if await _still_answers(connection):
                    return keep()
        fresh = SMTP(
            hostname=self._host,
            port=self._port,
            timeout=SEND_SECONDS / 2,
            local_hostname=self._sender.rpartition("@")[2],
        )
        with _closed_unless_kept(fresh) as keep:
            await fresh.connect()
            return keep()

    def _put_back(self, connection: SMTP, *, usable: bool) -> None:
        if not usable or not connection.is_connected:
            connection.close()
            return
        timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._close_idle, connection)
        self._idle.append((connection, timer))

    def _close_idle(self, connection: SMTP) -> None:
        self._idle = [(kept, timer) for kept, timer in self._idle if kept is not connection]
        connection.close()


@contextmanager
def _closed_unless_kept(connection: SMTP) -> Generator[Callable[[], SMTP]]:
    """Closes the connection on every way out, a cancellation too, but the one on which it was kept."""
    with ExitStack() as undo:
        undo.callback(connection.close)

        def keep() -> SMTP:
            undo.pop_all()
            return connection

        yield keep


async def _still_answers(connection: SMTP) -> bool:
    try:
        await connection.rset()
    except (SMTPException, OSError):
        return False
    return True


def _verdict(code: int) -> SafeError:
    return Refused(code) if 500 <= code < 600 else NotAccepted(f"the mail server said: later ({code})")
