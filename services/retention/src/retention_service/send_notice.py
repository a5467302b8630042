"""Tells a recipient over its webhook what became of data that it received, signed so that nobody else can (Ed25519).

The body names nobody: references that were drawn at disclosure. What the recipient answers is not read; 2xx means that
it has it.
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import httpx
from chassis.logs import get_logger
from chassis.network import refuse_in_transaction
from contracts.receipts import canonical
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis import tls
from retention_service.chasing import Try, reminder
from retention_service.notices import Notice
from retention_service.recipients import Recipient
from retention_service.webhook_address import BadWebhook, resolved

AT_ONCE: Final = 64
"""Recipients that are asked at the same time, by each process."""
SECONDS: Final = 5.0
"""For one of them, from the look-up of its name to its answer: many more than a silent one get their turn in a lease."""
_DOMAIN: Final = b"tillit notice v1\n"
_log = get_logger()


class Sending(NamedTuple):
    """One notice, and whom it goes to; None while that recipient is unknown."""

    notice: Notice
    recipient: Recipient | None


def signed_bytes(timestamp: str, body: bytes) -> bytes:
    """What the header `Tillit-Signature` signs: the header `Tillit-Timestamp` and the body, under a domain line."""
    return _DOMAIN + timestamp.encode() + b"\n" + body


class Webhooks:
    """Asks webhooks, a bounded number at once, each for a bounded time."""

    def __init__(self, public_url: str, *, private: bool) -> None:
        self._acknowledge = f"{public_url.rstrip('/')}/notices/"
        self._private = private
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def tell(self, sendings: Sequence[Sending], key: Ed25519PrivateKey, now: datetime) -> dict[UUID, Try]:
        """How each ended, by notice; one that is slow or broken holds up no other."""
        refuse_in_transaction("webhooks of recipients")
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
        async with httpx.AsyncClient(
            verify=tls.trusted(), trust_env=False, follow_redirects=False, timeout=SECONDS, limits=limits
        ) as http:
            outcomes = await asyncio.gather(*(self._tell(http, sending, key, now) for sending in sendings))
        return {sending.notice.notice_id: outcome for sending, outcome in zip(sendings, outcomes, strict=True)}

    async def _tell(self, http: httpx.AsyncClient, sending: Sending, key: Ed25519PrivateKey, now: datetime) -> Try:
        notice, recipient = sending
        if recipient is None:
            _log.warning("notice.recipient_unknown", recipient=notice.recipient_id)
            return Try.FAILED
        if recipient.webhook is None:
            return Try.HANDED_ON
        async with self._gate:
            try:
                async with asyncio.timeout(SECONDS):
                    status = await self._post(http, recipient.webhook, self._body(notice), key, now)
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError, TimeoutError, BadWebhook) as error:
                # one whose address nobody can ask must not hold up the erasures of all who applied there
                _log.warning("notice.failed", recipient=notice.recipient_id, error=type(error).__name__)
                return Try.FAILED
        if 200 <= status < 300:
            return Try.TOLD
        _log.warning("notice.refused", recipient=notice.recipient_id, status=status)
        return Try.FAILED

    async def _post(
        self, http: httpx.AsyncClient, webhook: str, body: bytes, key: Ed25519PrivateKey, now: datetime
    ) -> int:
        target = await resolved(webhook, private=self._private)
        timestamp = now.isoformat()
        headers = {
            "Host": target.host_header,
            "Content-Type": "application/json",
            "Tillit-Timestamp": timestamp,
            "Tillit-Key-Id": "retention",
            "Tillit-Signature": urlsafe_b64encode(key.sign(signed_bytes(timestamp, body))).decode().rstrip("="),
        }
        extensions = {"sni_hostname": target.host}
        async with http.stream("POST", target.url, content=body, headers=headers, extensions=extensions) as answer:
            return answer.status_code

    def _body(self, notice: Notice) -> bytes:
        return canonical(
            {
                "notice_id": str(notice.notice_id),
                "kind": str(notice.kind),
                "references": list(notice.references),
                "reminder": reminder(notice),
                "acknowledge": f"{self._acknowledge}{notice.notice_id}/acknowledgement",
            }
        )
