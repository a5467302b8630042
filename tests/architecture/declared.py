"""What our services hold that the closed map (`chassis.testing.declared`) would refuse, and why it may stand there."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from chassis.holders import Holder
from chassis.testing import declared
from chassis.testing.declared import Schema

UNSEALED_BYTES: Final[Mapping[tuple[str, str, str], str]] = MappingProxyType(
    {
        ("audit-log", "contents", "headers"): "the envelope: ids, type, time, commitment and the sealed salt",
        ("audit-log", "entries", "commitment"): "an HMAC under a salt that is sealed elsewhere: tells nothing",
        ("audit-log", "leaves", "commitment"): "the same",
        ("audit-log", "leaves", "leaf"): "type, source, purpose, hour and that HMAC: what is published of every event",
        ("retention", "subject_keys", "wrapped"): "a random key under the key-encryption key; destroyed, never erased",
        ("retention", "exports", "link_sha256"): "of a random token that is kept nowhere: tells nothing",
        ("retention", "receipts", "payload"): "ErasureAttested: the receipt's name and a digest, about nobody",
        ("retention", "receipts", "salt"): "opens the log's commitment to that, for whoever holds the receipt",
        ("profile", "cancel_tokens", "token_sha256"): "of a random token that stands in a mail only: tells nothing",
        ("profile", "logins", "email_hash"): "a keyed hash: found by it, not read from it",
    }
)
"""Bytes that are not the service's own sealed blobs, and why they may stand there."""


def undeclared(schema: Schema, holder: Holder) -> list[str]:
    """Everything in the schema that the declaration does not tell truly, but for what is allowed above."""
    unsealed = {(table, column) for service, table, column in UNSEALED_BYTES if service == holder.name}
    return declared.undeclared(schema, holder, unsealed=unsealed)
