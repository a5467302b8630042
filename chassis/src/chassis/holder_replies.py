"""A holder's signature on what it erased: bound to request, person, holder, nonce and counts (Ed25519, RFC 8032)."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from contracts.privacy import PersonalDataErased
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def signed_bytes(reply: PersonalDataErased) -> bytes:
    """What is signed: the reply without its signature as JSON, keys sorted, no spaces, under a domain line."""
    fields = reply.model_dump(mode="json", exclude={"signature"})
    return b"tillit holder reply v1\n" + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def sign_reply(reply: PersonalDataErased, key: Ed25519PrivateKey) -> PersonalDataErased:
    """The same reply, signed."""
    signature = urlsafe_b64encode(key.sign(signed_bytes(reply))).decode()
    return reply.model_copy(update={"signature": signature})


def is_signed_by(reply: PersonalDataErased, key: Ed25519PublicKey) -> bool:
    """Whether this holder's key made the reply, word for word."""
    try:
        key.verify(urlsafe_b64decode(reply.signature), signed_bytes(reply))
    except (InvalidSignature, NotBase64, ValueError):
        return False
    return True
