"""A backup of one service's database as files: the dump, and a signed manifest that says what it is. No key is in it.

What is personal is sealed in it as in the database; key-encryption keys are never near it (docs/runbooks/keyring.md).
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final, cast

from chassis.logs import SafeError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, ValidationError

_DOMAIN: Final = b"tillit database backup v1\n"


class BadBackup(SafeError):
    """A backup that is not whole, not of this service, not ours, or too old; the text says which."""


class Manifest(BaseModel):
    """What a dump is. `offsets` are the service's own, by topic/partition; `sha256` is the dump's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    database: str
    taken_at: datetime
    """Before the dump began: what was committed until then is in it."""
    bytes: int
    sha256: str
    migrations: Mapping[str, int]
    """How many files of each source the database had applied."""
    offsets: Mapping[str, int]


class _Signed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    manifest: Manifest
    signature: str
    """base64url Ed25519 (RFC 8032) of the operator's key over the manifest."""


def dump_file(folder: Path, service: str) -> Path:
    return folder / f"{service}.dump"


def manifest_file(folder: Path, service: str) -> Path:
    return folder / f"{service}.manifest.json"


def digest(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest, key_file: Path) -> None:
    """Sign it; written last, so that a dump without one is unfinished."""
    signature = urlsafe_b64encode(_key(key_file).sign(_signed(manifest))).decode()
    text = _Signed(manifest=manifest, signature=signature).model_dump_json(indent=1)
    manifest_file(folder, manifest.service).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path, service: str, key_file: Path) -> Manifest:
    """The manifest of this service's backup, and every byte of its dump as it was signed.

    Raises:
        BadBackup: anything else.
    """
    file, dump = manifest_file(folder, service), dump_file(folder, service)
    if not file.is_file() or not dump.is_file():
        raise BadBackup(f"{folder} has no finished backup of {service}: it needs {dump.name} and {file.name}")
    manifest = read_signed(folder, service, key_file)
    if dump.stat().st_size != manifest.bytes or digest(dump) != manifest.sha256:
        raise BadBackup(f"{dump} is not as it was written: its digest is another")
    return manifest


def read_signed(folder: Path, service: str, key_file: Path) -> Manifest:
    """The manifest of this service's backup, whatever became of its dump.

    Raises:
        BadBackup: there is none, it was changed, or it is another operator's or another service's.
    """
    file = manifest_file(folder, service)
    if not file.is_file():
        raise BadBackup(f"{folder} has no finished backup of {service}: {file.name} is missing")
    try:
        signed = _Signed.model_validate_json(file.read_bytes())
        _key(key_file).public_key().verify(urlsafe_b64decode(signed.signature), _signed(signed.manifest))
    except (ValidationError, InvalidSignature, NotBase64):
        raise BadBackup(f"{file} was not written by `tillit backup` with this operator's key, or was changed") from None
    manifest = signed.manifest
    if manifest.service != service:
        raise BadBackup(f"{file} is a backup of {manifest.service}, not of {service}")
    return manifest


def _signed(manifest: Manifest) -> bytes:
    fields = manifest.model_dump(mode="json")
    return _DOMAIN + json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def _key(key_file: Path) -> Ed25519PrivateKey:
    return cast("Ed25519PrivateKey", load_pem_private_key(key_file.read_bytes(), password=None))
