"""The service's own symmetric secrets, derived from its private key by HKDF (RFC 5869): one per use, none of them stored.

They protect what belongs to no person's key: look-up hashes, unreadable parked records, idempotency hashes.
"""

import hmac
import os
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chassis.logs import SafeError

_NONCE_BYTES: Final = 12


class OwnKey:
    """Derives secrets from the bytes of the service's private key; a new service key makes all of them new."""

    def __init__(self, private_key: bytes) -> None:
        self._private_key = private_key

    def secret(self, use: str) -> bytes:
        """The 256-bit secret of one use, e.g. `"idempotency"`."""
        return HKDF(SHA256(), 32, salt=None, info=f"tillit {use} v1".encode()).derive(self._private_key)

    def keyed_hash(self, use: str, text: str) -> bytes:
        """HMAC-SHA256: equal texts meet, and nobody without the key can enumerate them (trap 32)."""
        return hmac.digest(self.secret(use), text.encode(), sha256)

    def encrypt(self, use: str, plain: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.secret(use)).encrypt(nonce, plain, use.encode())

    def decrypt(self, use: str, sealed: bytes) -> bytes:
        """The plain bytes.

        Raises:
            SafeError: not encrypted under this service's key for this use.
        """
        try:
            return AESGCM(self.secret(use)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], use.encode())
        except (InvalidTag, ValueError):
            raise SafeError("not encrypted under this service's own key: was the service key replaced?") from None
