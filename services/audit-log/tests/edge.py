"""The service's HTTP edge, asked without a socket, by callers whose tokens it believes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from chassis.edge import make_app
from chassis.health import Health
from chassis.jwks import StaticKeys, jwks
from chassis.metrics import Metrics
from chassis.service import Service
from chassis.tokens import Signer, Verifier, Verifiers, internal_audience
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def signer(service: Service, kid: str) -> Signer:
    """Somebody with a key of their own."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Signer(kid, pem, service.clock)


@asynccontextmanager
async def edge_of(service: Service, believed: Signer) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the service's routes, which believe what `believed` signs."""
    known = StaticKeys(jwks([believed.jwk()]))
    app = make_app(
        title=service.name,
        routers=service.routers(),
        settings=service.settings,
        health=Health(),
        metrics=Metrics(),
        verifiers=Verifiers(Verifier(known, internal_audience(service.name), service.clock)),
        clock=service.clock,
        own_secret=b"a secret of the test",
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
