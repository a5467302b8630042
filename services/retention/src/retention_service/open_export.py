"""Puts a copy of a person's data aside for them: under a key of its own, behind a link that works once, for 7 days (A2)."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from chassis.clock import new_id
from chassis.keys import KeyName
from chassis.problems import conflict, not_found
from chassis.scoped_keys import Scope, single
from chassis.sealing import BlobHeader, seal
from chassis.transaction import Transaction
from contracts.personal import Category, SubjectId
from contracts.rights import ExportOpened
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from retention_service import exports, subject_keys
from retention_service.exports import Export
from retention_service.keyring import Keyring
from retention_service.make_keys import make_keys

EXPIRE_EXPORT: Final = "expire_export"
WAITS: Final = timedelta(days=7)
_TOKEN_BYTES: Final = 32
_SCHEMA: Final = "exports"


class Opened(NamedTuple):
    """The export, and the token of its link, which is shown once and kept nowhere."""

    export_id: UUID
    token: str
    expires_at: datetime


async def open_export(tx: Transaction, keyring: Keyring, subject: SubjectId, archive: bytes, officer: str) -> Opened:
    """Seal the archive and tell that it waits. The transaction is about the person.

    Raises:
        Problem: 404, nobody is known by this id; 409, the person is erased.
        BadKeks: no key can be made now.
    """
    known = KeyName(subject, Category.RIGHTS_CASE)
    if known not in await subject_keys.find(tx.connection, [known]):
        raise not_found("person")
    if tx.state(subject).is_erased(Category.USER_INFORMATION):
        raise conflict("person-erased", "The person is erased: there is nothing left to be handed out.")
    export_id, token = new_id(tx.clock), secrets.token_bytes(_TOKEN_BYTES)
    name = key_of(subject, export_id)
    row = (await make_keys(tx, keyring.store, [name])).keys[name]
    key = subject_keys.unwrap(keyring.store.knowing({row.wrapped.epoch} if row.wrapped else set()), row)
    if key is None:
        raise conflict("export-key-destroyed", "The export's key is destroyed: open another.")
    export = Export(
        export_id,
        subject,
        archive=seal(AESGCM(key), BlobHeader(subject, name.category, export_id, _SCHEMA), archive),
        link_sha256=sha256(token).digest(),
        opened_by=officer,
        opened_at=tx.now(),
        expires_at=tx.now() + WAITS,
    )
    await exports.insert(tx.connection, export)
    tx.enqueue(EXPIRE_EXPORT, str(export_id), subject=subject, due_at=export.expires_at)
    tx.publish(
        ExportOpened(subject_id=subject, export_id=export_id, opened_at=export.opened_at, expires_at=export.expires_at)
    )
    return Opened(export_id, urlsafe_b64encode(token).rstrip(b"=").decode(), export.expires_at)


def key_of(subject: SubjectId, export_id: UUID) -> KeyName:
    """An export's own key: it dies with the export, whatever becomes of the person's others."""
    return KeyName(subject, single(Scope.EXPORT, export_id))


def digest_of(token: str) -> bytes:
    """By which a link's token is found; of what is no token, a digest that nothing has."""
    try:
        return sha256(urlsafe_b64decode(token + "=" * (-len(token) % 4))).digest()
    except (NotBase64, ValueError):
        return b""
