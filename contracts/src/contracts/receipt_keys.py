"""The public keys that a verifier of receipts needs, and the file in which they are handed out."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.notes import BadNote, NoteKey, read_key

KEYS_FORMAT: Final = "tillit-receipt-keys/1"

_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_:.-]{0,99}$")]
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class BadReceiptKeys(ValueError):
    """The file holds no public keys of receipts."""


class ReceiptKeys(NamedTuple):
    """The public keys that a verifier needs: of the log, of the witnesses that must have signed, of holders by name."""

    log: NoteKey
    witnesses: Sequence[NoteKey]
    holders: Mapping[str, Sequence[bytes]]


def read_receipt_keys(data: bytes) -> ReceiptKeys:
    """The keys of a file as `tillit receipt keys` writes it.

    Raises:
        BadReceiptKeys: it is none.
    """
    try:
        found = _KeysFile.model_validate_json(data)
        holders: dict[str, list[bytes]] = {}
        for key in found.holders.keys:
            holders.setdefault(key.kid, []).append(urlsafe_b64decode(key.x + "=" * (-len(key.x) % 4)))
        return ReceiptKeys(read_key(found.log), [read_key(one) for one in found.witnesses], holders)
    except (ValidationError, BadNote, NotBase64, ValueError):
        raise BadReceiptKeys("the file holds no public keys of receipts: `tillit receipt keys` writes one") from None


def keys_file(log: NoteKey, witnesses: Sequence[NoteKey], holders: Mapping[str, bytes]) -> bytes:
    """The public keys as a file: verifier keys (C2SP signed-note), and a JWKS (RFC 8037) with raw keys by holder's name."""
    named = [
        {"crv": "Ed25519", "kid": name, "kty": "OKP", "x": urlsafe_b64encode(key).decode().rstrip("=")}
        for name, key in sorted(holders.items())
    ]
    content = {
        "format": KEYS_FORMAT,
        "log": str(log),
        "witnesses": [str(witness) for witness in witnesses],
        "holders": {"keys": named},
    }
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Jwk(_Part):
    kid: _Name
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: _Text


class _Jwks(_Part):
    keys: tuple[_Jwk, ...]


class _KeysFile(_Part):
    format: Literal["tillit-receipt-keys/1"]
    log: _Text
    witnesses: tuple[_Text, ...]
    holders: _Jwks
