"""Knows who is calling: short-lived EdDSA tokens, signed by a key id we know, for one audience, on the injected clock."""

import copy
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NewType, cast
from uuid import UUID

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, OKPKey
from joserfc.jws import JWSRegistry

from chassis.clock import Clock
from chassis.jwks import ALGORITHM, Keys, public_jwk
from chassis.logs import SafeError
from chassis.problems import Problem

Role = NewType("Role", str)
"""What a caller may do. The chassis knows two; a service declares those of its people."""

SERVICE: Final = Role("service")
OPERATOR: Final = Role("operator")

PORTAL_AUDIENCE: Final = "tillit-portal"
INTERNAL_LIFETIME: Final = timedelta(seconds=60)
LOGIN_LIFETIME: Final = timedelta(minutes=15)

_LEEWAY: Final = timedelta(seconds=30)
_MAX_TOKEN: Final = 4096


def internal_audience(service: str) -> str:
    """What a token of a service or an operator must be made for, to be good at this service."""
    return f"tillit-internal:{service}"


@dataclass(frozen=True)
class Caller:
    """Who is calling, as their token proves it: for people `subject` is their subject id, for services their name."""

    subject: str
    role: Role
    kid: str
    issued_at: datetime

    @property
    def subject_id(self) -> UUID | None:
        """The person's id, or None when a service or an operator calls."""
        return None if self.role in (SERVICE, OPERATOR) else UUID(self.subject)


class Signer:
    """Issues tokens under one key id."""

    def __init__(self, kid: str, private_pem: bytes, clock: Clock) -> None:
        self.kid: Final = kid
        self._clock = clock
        try:
            self._key = OKPKey.import_key(private_pem)
        except (ValueError, JoseError) as error:
            raise SafeError(
                f"the private key of {kid} can't be read: it must be an Ed25519 key in PKCS8 PEM"
            ) from error
        if self._key.curve_name != "Ed25519" or not self._key.is_private:
            raise SafeError(f"the private key of {kid} must be an Ed25519 private key")

    def internal(self, to: str) -> str:
        """A token with which this service, or the operator, calls the service `to`, and no other (RFC 8725, 3.9)."""
        return self._sign(self.kid, self.kid, internal_audience(to), INTERNAL_LIFETIME, {})

    def login(self, issuer: str, subject_id: UUID, role: Role) -> str:
        """A token with which a person calls the portal's services."""
        return self._sign(issuer, str(subject_id), PORTAL_AUDIENCE, LOGIN_LIFETIME, {"role": role})

    def _sign(self, issuer: str, subject: str, audience: str, lifetime: timedelta, more: Mapping[str, str]) -> str:
        now = int(self._clock.now().timestamp())
        expires = now + int(lifetime.total_seconds())
        claims = {"iss": issuer, "sub": subject, "aud": audience, "iat": now, "exp": expires, **more}
        return jwt.encode({"alg": ALGORITHM, "kid": self.kid}, claims, self._key, registry=_ONLY_EDDSA)

    def jwk(self) -> dict[str, str]:
        """The public half, as it stands in a JWKS."""
        return public_jwk(self._key, self.kid)


class Verifier:
    """Accepts tokens for one audience, signed by a known key, within their time; `Invalid` is all it says otherwise."""

    def __init__(
        self, keys: Keys, audience: str, clock: Clock, *, people: Mapping[str, Collection[Role]] | None = None
    ):
        """`people`: per issuer the roles its people may have; without it, tokens of services and operators only."""
        self.audience: Final = audience
        self._keys = keys
        self._clock = clock
        self._people = people

    def verify(self, token: str) -> Caller:
        """The caller a token proves, or `InvalidToken`."""
        if len(token) > _MAX_TOKEN:
            raise InvalidToken
        try:
            decoded = jwt.decode(token, self._key, registry=_ONLY_EDDSA)
        except (JoseError, ValueError) as error:
            raise InvalidToken from error
        claims = cast("Mapping[str, object]", decoded.claims)
        kid = str(decoded.header["kid"])
        issued_at = self._check_time(claims)
        if claims.get("aud") != self.audience:
            raise InvalidToken
        return self._caller(kid, issued_at, claims)

    def knows(self, kid: str) -> bool:
        return self._keys.find(kid) is not None

    def _key(self, guest: GuestProtocol) -> OKPKey:
        kid: object = guest.headers().get("kid")
        key = self._keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidToken
        return key

    def _check_time(self, claims: Mapping[str, object]) -> datetime:
        now = self._clock.now().timestamp()
        leeway = _LEEWAY.total_seconds()
        longest = (LOGIN_LIFETIME if self._people is not None else INTERNAL_LIFETIME).total_seconds()
        issued, expires, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", claims.get("iat"))
        for moment in (issued, expires, not_before):
            if type(moment) not in (int, float):
                raise InvalidToken
        issued, expires, not_before = cast("tuple[float, float, float]", (issued, expires, not_before))
        in_time = issued <= now + leeway and not_before <= now + leeway and now - leeway < expires
        if not in_time or not 0 < expires - issued <= longest:
            raise InvalidToken
        return datetime.fromtimestamp(issued, UTC)

    def _caller(self, kid: str, issued_at: datetime, claims: Mapping[str, object]) -> Caller:
        issuer, subject = claims.get("iss"), claims.get("sub")
        if not isinstance(issuer, str) or not isinstance(subject, str):
            raise InvalidToken
        if self._people is None:
            if issuer != kid or subject != kid:
                raise InvalidToken
            return Caller(subject, OPERATOR if kid == "operator" else SERVICE, kid, issued_at)
        role = claims.get("role")
        if role not in self._people.get(issuer, ()) or role in (SERVICE, OPERATOR) or not _is_uuid(subject):
            raise InvalidToken
        return Caller(subject, Role(str(role)), kid, issued_at)


class InvalidToken(SafeError):
    """The token proves nothing. It doesn't say why: that would help a forger only."""


class Verifiers:
    """The verifiers an HTTP edge accepts, each trusting its own keys for its own audience."""

    def __init__(self, *verifiers: Verifier) -> None:
        self._verifiers = verifiers

    def verify(self, token: str) -> Caller:
        """The caller by the verifier that knows the token's key id."""
        for verifier in self._verifiers:
            try:
                return verifier.verify(token)
            except InvalidToken:
                continue
        raise InvalidToken


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", scheme_name="token")


def caller_of(request: Request) -> Caller | None:
    """Who sent the request, verified once per request; None without a bearer token, `InvalidToken` with a bad one."""
    known: object = getattr(request.state, "caller", None)
    if isinstance(known, Caller):
        return known
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    verifiers = cast("Verifiers", request.app.state.verifiers)
    request.state.caller = verifiers.verify(token)
    return request.state.caller


def require(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency that yields the caller, who must have one of these roles: else 401 without, 403 with a valid token."""
    if not roles:
        raise ValueError("require() needs the roles that may call")

    async def caller(
        request: Request, _documented: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Caller:
        try:
            found = caller_of(request)
        except InvalidToken:
            raise _unauthenticated('Bearer realm="tillit", error="invalid_token"') from None
        if found is None:
            raise _unauthenticated('Bearer realm="tillit"')
        if found.role not in roles:
            raise Problem(403, "forbidden", "Not allowed", "This caller's role does not allow it.")
        return found

    return caller


# RFC 9864 renames the algorithm `Ed25519`; the tools that verify our tokens know `EdDSA`, so we keep to it knowingly.
_EDDSA: Final = copy.copy(JWSRegistry.algorithms[ALGORITHM])
_EDDSA.security_warning = None


class _EdDsaOnly(JWSRegistry):
    """Knows one algorithm, and refuses every header parameter that isn't registered (RFC 7515)."""

    algorithms = {ALGORITHM: _EDDSA}  # noqa: RUF012 - declared so by the library
    max_payload_length = _MAX_TOKEN


_ONLY_EDDSA: Final = _EdDsaOnly(algorithms=[ALGORITHM])


def _unauthenticated(challenge: str) -> Problem:
    title = "Not authenticated"
    return Problem(401, "unauthenticated", title, "Send a valid bearer token.", headers={"WWW-Authenticate": challenge})


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
