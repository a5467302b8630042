"""A service's HTTP edge as an operator sees it, asked without a socket."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
from chassis.admin import admin_routes
from chassis.edge import make_app
from chassis.health import Health
from chassis.process import verifiers
from chassis.service import Service
from chassis.testing.services import surroundings


@asynccontextmanager
async def edge(service: Service, caller: str = "operator") -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the operator's routes; `caller` is whose token it sends."""
    app = make_app(
        title=service.name,
        routers=[admin_routes(service)],
        settings=service.settings,
        health=Health(),
        metrics=service.metrics,
        verifiers=verifiers(service),
        clock=service.clock,
        own_secret=b"a secret of the test",
    )
    token = surroundings(service).identities.signer(caller, service.clock).internal(service.name)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://test", headers={"Authorization": f"Bearer {token}"}
    ) as client:
        yield client
