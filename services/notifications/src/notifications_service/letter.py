"""A mail as it goes to a mail server (RFC 5322), with a Message-ID that stays the same however often it is sent."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from uuid import UUID

_ADDRESS: Final = re.compile(r"""([^\s@<>()\[\],;:\\"]{1,64})@([^\s@<>()\[\],;:\\"]{1,190})""")


class UnusableAddress(ValueError):
    """No mail can be sent to it. The text does not quote it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail, opened: in memory only, for as long as it takes to send it."""

    mail_id: UUID
    address: str
    subject_line: str
    text: str


def recipient(address: str) -> str:
    """The address as it is written in an SMTP session, an international domain in its ASCII form.

    Raises:
        UnusableAddress: it is none, or could be more than one.
    """
    match = _ADDRESS.fullmatch(address.strip())
    if match is None or not match[1].isprintable():
        raise UnusableAddress("not one mail address")
    try:
        domain = match[2].encode("idna").decode("ascii")
    except UnicodeError:
        raise UnusableAddress("not a domain name") from None
    return f"{match[1]}@{domain}"


def write_message(letter: Letter, to: str, *, sender: str, at: datetime) -> EmailMessage:
    """The message with its headers. A line break in a header is refused by `email` itself.

    Raises:
        UnusableAddress: `to` can't stand in a header.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Tillit", addr_spec=sender)
    local, _, domain = to.rpartition("@")
    try:
        message["To"] = Address(username=local, domain=domain)
    except ValueError:
        raise UnusableAddress("not an address that a header can hold") from None
    message["Subject"] = letter.subject_line
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter.mail_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
    message["Content-Language"] = "nb"
    message.set_content(letter.text, cte="quoted-printable")
    return message
