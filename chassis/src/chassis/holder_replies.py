"""A holder's signature on what it says in its own name: that it is one, what it erased, what it found (Ed25519, RFC 8032).

It covers every field but itself, so it is bound to holder, request, person, nonce and counts. What the receipt shows of
a reply is signed besides, under the receipt's number and without the person, so that a stranger can check it.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from types import MappingProxyType
from typing import Final, TypeVar

from contracts.privacy import HolderRegistered, PersonalDataErased, ResidueScanned
from contracts.receipts import statement_bytes
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Said = TypeVar("Said", HolderRegistered, PersonalDataErased, ResidueScanned)

_DOMAINS: Final = MappingProxyType(
    {
        HolderRegistered: b"tillit holder registration v1\n",
        PersonalDataErased: b"tillit holder reply v1\n",
        ResidueScanned: b"tillit residue scan v1\n",
    }
)
"""A line for each, so that no signature is good for anything else."""


def signed_bytes(said: HolderRegistered | PersonalDataErased | ResidueScanned) -> bytes:
    """What is signed: the event without its signature as JSON, keys sorted, no spaces, under a domain line."""
    fields = said.model_dump(mode="json", exclude={"signature"})
    return _DOMAINS[type(said)] + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def sign_reply(said: Said, key: Ed25519PrivateKey) -> Said:
    """The same event, signed."""
    return said.model_copy(update={"signature": encode_signature(key.sign(signed_bytes(said)))})


def sign_answer(receipt: str, reply: PersonalDataErased, key: Ed25519PrivateKey) -> PersonalDataErased:
    """The reply with both signatures: the statement first, because the reply's own covers it."""
    statement = encode_signature(key.sign(statement_bytes(receipt, reply)))
    return sign_reply(reply.model_copy(update={"statement_signature": statement}), key)


def states(receipt: str, reply: PersonalDataErased, key: Ed25519PublicKey) -> bool:
    """Whether this holder's key made the statement that the receipt of this number shows."""
    return is_signature(reply.statement_signature, statement_bytes(receipt, reply), key)


def is_signed_by(said: HolderRegistered | PersonalDataErased | ResidueScanned, key: Ed25519PublicKey) -> bool:
    """Whether this holder's key made the event, word for word."""
    return is_signature(said.signature, signed_bytes(said), key)


def encode_signature(signature: bytes) -> str:
    """As it stands in events: base64url."""
    return urlsafe_b64encode(signature).decode()


def is_signature(text: str, message: bytes, key: Ed25519PublicKey) -> bool:
    """Whether this base64url text is the key's signature of the message."""
    try:
        key.verify(urlsafe_b64decode(text), message)
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True
