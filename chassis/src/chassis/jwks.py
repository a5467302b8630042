"""Knows whom we believe: Ed25519 public keys by key id, as a JWKS (RFC 7517) holds them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol, cast

from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chassis.logs import SafeError, get_logger

ALGORITHM: Final = "EdDSA"

_log = get_logger()


class Keys(Protocol):
    """Public keys by key id."""

    def find(self, kid: str) -> OKPKey | None: ...


class _Jwk(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    kid: str = Field(min_length=1, max_length=64)
    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"


class _Jwks(BaseModel):
    keys: list[_Jwk]


class StaticKeys:
    """The keys of one JWKS document. Anything in it that isn't an Ed25519 public key under a key id is refused."""

    def __init__(self, jwks: bytes | str) -> None:
        self._keys: dict[str, OKPKey] = {}
        try:
            entries = _Jwks.model_validate_json(jwks).keys
        except ValidationError as error:
            raise SafeError(
                'a JWKS must be JSON of the form {"keys": [...]}, Ed25519 public keys with a kid'
            ) from error
        for entry in entries:
            try:
                self._keys[entry.kid] = OKPKey.import_key({"kty": entry.kty, "crv": entry.crv, "x": entry.x})
            except (ValueError, JoseError) as error:
                raise SafeError(f"the key {entry.kid} of a JWKS is not an Ed25519 public key") from error

    def find(self, kid: str) -> OKPKey | None:
        return self._keys.get(kid)


class JwksFile:
    """The keys of a JWKS file, read at first use and again when the file changes.

    A changed file that can't be read leaves the last good keys in force and says so; at first use it is an error.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: StaticKeys | None = None

    def find(self, kid: str) -> OKPKey | None:
        return self.load().find(kid)

    def load(self) -> StaticKeys:
        """The keys as they are now; call it at start to fail early."""
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if self._keys is None or seen != self._seen:
                self._seen = seen
                self._keys = StaticKeys(self._path.read_bytes())
        except (OSError, SafeError) as error:
            if self._keys is None:
                raise SafeError(f"no JWKS can be read from {self._path}: {_why(error)}") from error
            _log.error("jwks.unreadable", path=self._path, exc_info=error)
        return self._keys


def public_jwk(key: OKPKey, kid: str) -> dict[str, str]:
    """The public half of a key as a JWK under its key id."""
    public = cast("Mapping[str, str]", key.as_dict(private=False))
    return {"kty": public["kty"], "crv": public["crv"], "x": public["x"], "kid": kid, "use": "sig", "alg": ALGORITHM}


def jwks(keys: Sequence[Mapping[str, str]]) -> str:
    """A JWKS document of public halves."""
    return json.dumps({"keys": [dict(key) for key in keys]}, indent=2, sort_keys=True)


def _why(error: OSError | SafeError) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else str(error)
