"""A recipient says that it acted on a notice: believed only when its own key signed that, for this very notice."""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from chassis.logs import get_logger
from chassis.problems import Problem, not_found
from chassis.service import Service
from chassis.sql import borrow
from contracts.receipts import canonical
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chassis import work
from retention_service import notices, recipients
from retention_service.write_to_recipients import TELL_AGAIN

_DOMAIN: Final = b"tillit acknowledgement v1\n"
_log = get_logger()


def signed_bytes(notice_id: UUID, references: Sequence[str], acted_at: str) -> bytes:
    """What a recipient signs: canonical JSON of what it was told and when it acted, under a domain line."""
    told = {"notice_id": str(notice_id), "references": list(references), "acted_at": acted_at}
    return _DOMAIN + canonical(told)


async def acknowledge_notice(service: Service, notice_id: UUID, acted_at: str, signature: str) -> None:
    """Keep the answer; nobody is reminded of this notice any more.

    Raises:
        Problem: 404, there is no such notice; 403, its recipient's key did not sign this, or the notice is about more.
    """
    async with borrow(service.database.pool) as connection:
        found = await notices.find(connection, notice_id)
        known = {} if found is None else await recipients.find(connection, [found.recipient_id])
    if found is None:
        raise not_found("notice")
    recipient = known.get(found.recipient_id)
    key = (
        None
        if recipient is None or recipient.acknowledgement_key is None
        else public_key(recipient.acknowledgement_key)
    )
    if key is None or not _signed(key, signature, signed_bytes(notice_id, found.references, acted_at)):
        raise _not_signed()
    async with service.database.transaction([found.subject_id], keys=()) as tx:
        if not await notices.unchanged(tx.connection, [found]):
            raise _not_signed()
        await notices.acknowledged(tx.connection, notice_id, acted_at, signature, tx.now())
        await work.cancel(tx.connection, TELL_AGAIN, str(notice_id))
    _log.info("notice.acknowledged", notice=notice_id)


def public_key(text: str) -> Ed25519PublicKey | None:
    """An Ed25519 public key (RFC 8032) in base64url; None when it is none."""
    try:
        return Ed25519PublicKey.from_public_bytes(_decoded(text))
    except (NotBase64, ValueError):
        return None


def _not_signed() -> Problem:
    return Problem(403, "bad-signature", "Not allowed", "The recipient's acknowledgement key did not sign this.")


def _signed(key: Ed25519PublicKey, signature: str, content: bytes) -> bool:
    try:
        key.verify(_decoded(signature), content)
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
