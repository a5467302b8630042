"""Logging in, and the key by which others verify who did."""

from datetime import datetime
from typing import Annotated, Final

from chassis.json_bodies import RequestBody
from chassis.problems import Problem
from chassis.rate_limit import Limit
from chassis.service import Service
from chassis.tokens import LOGIN_LIFETIME, Role, Signer
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, SecretStr

from chassis import problems
from profile_service.activity import note_login
from profile_service.callers import KnockLimit
from profile_service.email_address import email_hash
from profile_service.log_in import log_in
from profile_service.passwords import Passwords

_LOGIN_KID: Final = "login"
_PER_ADDRESS: Final = KnockLimit("login", "120/minute")
_PER_ACCOUNT: Final = Limit("login of one account", "10/minute")


class Credentials(RequestBody):
    """Any text is taken, so that what is no e-mail or no password is refused like what is not the right one."""

    email: str = Field(max_length=320)
    password: SecretStr = Field(max_length=1024)


class Session(BaseModel):
    token: str
    """A JWT, signed with EdDSA; send it as a bearer token."""
    expires_at: datetime


class PublicKey(BaseModel):
    """An Ed25519 public key (RFC 8037)."""

    kid: str
    kty: str
    crv: str
    x: str
    use: str
    alg: str


class Jwks(BaseModel):
    keys: list[PublicKey]


def session_routes(service: Service, passwords: Passwords, login_key: bytes) -> APIRouter:
    router = APIRouter()
    signer = Signer(_LOGIN_KID, login_key, service.clock)
    own_key = service.own_key

    @router.post("/sessions", responses=problems.responses(401))
    async def open_session(
        credentials: Credentials, request: Request, _: Annotated[None, Depends(_PER_ADDRESS)]
    ) -> Session:
        """Log in. The token is good for a quarter of an hour."""
        known_by = email_hash(own_key, credentials.email)
        _PER_ACCOUNT.hit_everywhere(request, known_by.hex())
        login = await log_in(service, passwords, known_by, credentials.password)
        if login is None:
            challenge = 'Bearer realm="tillit"'
            detail = "The e-mail or the password is not right."
            raise Problem(401, "login-failed", "Not logged in", detail, headers={"WWW-Authenticate": challenge})
        await note_login(service, login)
        token = signer.login(service.name, login.subject_id, Role(login.kind.value))
        return Session(token=token, expires_at=service.clock.now() + LOGIN_LIFETIME)

    @router.get("/.well-known/jwks.json")
    async def keys(response: Response) -> Jwks:
        """The public key that verifies people's tokens (RFC 7517)."""
        response.headers["Cache-Control"] = "public, max-age=300"
        return Jwks(keys=[PublicKey.model_validate(signer.jwk())])

    return router
