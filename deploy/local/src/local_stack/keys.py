"""Makes the Ed25519 keys of the services, the operator and the login, once, and the public sets others trust."""

import base64
import json
from pathlib import Path

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


def key_file(state: StateFolder, kid: str) -> Path:
    return state.keys / f"{kid}.pem"


def services_jwks(state: StateFolder) -> Path:
    return state.keys / "services.jwks.json"


def login_jwks(state: StateFolder) -> Path:
    return state.keys / "login.jwks.json"


def make_keys(state: StateFolder, guest: str | None = None) -> None:
    """Make what is missing; a key that exists is never replaced, and a guest's, once made, stays trusted."""
    present = [path.stem for path in state.keys.glob("*.pem")]
    guests = {*present, *([guest] if guest else [])} - {*SERVICE_KIDS, LOGIN_KID}
    _write_jwks(services_jwks(state), {kid: _key(key_file(state, kid)) for kid in (*SERVICE_KIDS, *sorted(guests))})
    _write_jwks(login_jwks(state), {LOGIN_KID: _key(key_file(state, LOGIN_KID))})


def _key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(path, pem.decode())
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise StackError(f"{path} is not an Ed25519 key: `tillit down --wipe` makes new ones")
    return key


def _write_jwks(path: Path, keys: dict[str, Ed25519PrivateKey]) -> None:
    jwks = {"keys": [_jwk(kid, key) for kid, key in keys.items()]}
    write_private(path, json.dumps(jwks, indent=1))


def _jwk(kid: str, key: Ed25519PrivateKey) -> dict[str, str]:
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    point = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": point}
