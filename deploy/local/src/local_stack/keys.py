"""Makes the Ed25519 keys of the services, the operator and the login, once, and the public sets others trust."""

import base64
import json
from pathlib import Path

from contracts.notes import COSIGNATURE, ED25519, NoteKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from local_stack.failure import StackError
from local_stack.state_folder import StateFolder, write_private

SERVICE_KIDS = ("profile", "notifications", "audit-log", "retention", "operator", "privacy-officer")
LOGIN_KID = "login"
LOG_KID, WITNESS_KID = "log", "witness"
"""They sign checkpoints and nothing else: no service trusts a token of theirs."""
LOG_ORIGIN, WITNESS_NAME = "log.tillit.example", "witness.tillit.example"
NO_SERVICES = {LOGIN_KID, LOG_KID, WITNESS_KID}


def key_file(state: StateFolder, kid: str) -> Path:
    return state.keys / f"{kid}.pem"


def services_jwks(state: StateFolder) -> Path:
    return state.keys / "services.jwks.json"


def login_jwks(state: StateFolder) -> Path:
    return state.keys / "login.jwks.json"


def make_keys(state: StateFolder, guest: str | None = None) -> None:
    """Make what is missing; a key that exists is never replaced, and a guest's, once made, stays trusted."""
    present = [path.stem for path in state.keys.glob("*.pem")]
    guests = {*present, *([guest] if guest else [])} - {*SERVICE_KIDS, *NO_SERVICES}
    _write_jwks(services_jwks(state), {kid: _key(key_file(state, kid)) for kid in (*SERVICE_KIDS, *sorted(guests))})
    _write_jwks(login_jwks(state), {LOGIN_KID: _key(key_file(state, LOGIN_KID))})
    for kid in (LOG_KID, WITNESS_KID):
        _key(key_file(state, kid))


def log_key(state: StateFolder) -> NoteKey:
    """Whom to ask whether a checkpoint is the local log's."""
    return NoteKey(LOG_ORIGIN, ED25519, private_key(key_file(state, LOG_KID)).public_key().public_bytes_raw())


def witness_key(state: StateFolder) -> NoteKey:
    """Whom to ask whether the local witness has seen a checkpoint."""
    public = private_key(key_file(state, WITNESS_KID)).public_key().public_bytes_raw()
    return NoteKey(WITNESS_NAME, COSIGNATURE, public)


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in this file.

    Raises:
        StackError: there is none of this kind.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise StackError(f"{path} is missing: `tillit up` makes it") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StackError(f"{path} is not an Ed25519 key: `tillit down --wipe` makes new ones")
    return key


def _key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, pem.decode())
    return private_key(path)


def _write_jwks(path: Path, keys: dict[str, Ed25519PrivateKey]) -> None:
    jwks = {"keys": [_jwk(kid, key) for kid, key in keys.items()]}
    write_private(path, json.dumps(jwks, indent=1))


def _jwk(kid: str, key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    point = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": point}
