"""Base64 with `-` and `_` (RFC 4648, section 5), padded: how blobs and salts stand in JSON and headers."""

import base64
import binascii
from typing import Final

_TO_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


def encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data)


def decode(text: bytes) -> bytes:
    """The bytes.

    Raises:
        ValueError: not base64url.
    """
    return binascii.a2b_base64(text.translate(_TO_STANDARD), strict_mode=True)
