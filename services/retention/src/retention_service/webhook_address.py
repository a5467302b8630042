"""Where a webhook may lead: https on the public internet. Whoever registers a recipient can't make us ask our own network.

A name is resolved once, and the address that was looked at is the one that is asked: it can't change in between.
"""

import asyncio
import ipaddress
import socket
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from chassis.logs import SafeError

_PORTS: Final = {"https": 443, "http": 80}
_LONGEST: Final = 2_000


class BadWebhook(SafeError):
    """The address may not be asked; the text says why and not which it is."""


class Target(NamedTuple):
    """One address to connect to, and the name that its certificate must bear."""

    url: str
    host: str
    host_header: str


def checked(webhook: str, *, private: bool) -> SplitResult:
    """The parts of an address, if its form allows to ask it.

    Args:
        private: whether http, and addresses of private networks, are allowed (TILLIT_WEBHOOKS_TO_PRIVATE).

    Raises:
        BadWebhook: it is none that we ask.
    """
    try:
        parts = urlsplit(webhook)
        port = parts.port
    except ValueError:
        raise BadWebhook("the webhook is no address") from None
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise BadWebhook("the webhook must be https")
    if len(webhook) > _LONGEST or not webhook.isprintable():
        raise BadWebhook("the webhook must be a plain address: printable, and of no more than 2,000 characters")
    if not parts.hostname or parts.username or parts.password or parts.fragment or port == 0:
        raise BadWebhook("the webhook must be a plain address: no user, no fragment")
    _ascii_host(parts)
    return parts


def _ascii_host(parts: SplitResult) -> str:
    """The name as it stands in headers and certificates (RFC 5891): `jobbsøk.no` is `xn--jobbsk-v1a.no`."""
    try:
        return (parts.hostname or "").encode("idna").decode()
    except UnicodeError:
        raise BadWebhook("the webhook's name is none that can be looked up") from None


async def resolved(webhook: str, *, private: bool) -> Target:
    """Where to connect.

    Raises:
        BadWebhook: the name is unknown, or leads into a private network.
    """
    parts = checked(webhook, private=private)
    host, port = _ascii_host(parts), parts.port or _PORTS[parts.scheme]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadWebhook("the name of the webhook is unknown") from None
    addresses = [ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]
    if not private and not all(_public(address) for address in addresses):
        raise BadWebhook("the webhook leads into a private network")
    chosen = addresses[0]
    literal = f"[{chosen}]" if chosen.version == 6 else str(chosen)
    name = f"[{host}]" if ":" in host else host
    query = f"?{parts.query}" if parts.query else ""
    return Target(
        f"{parts.scheme}://{literal}:{port}{parts.path or '/'}{query}",
        host,
        name if parts.port is None else f"{name}:{port}",
    )


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return address.is_global and not address.is_multicast
