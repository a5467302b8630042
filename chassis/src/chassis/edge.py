"""Knows how a service meets HTTP: one app with every protection in place, and a server that stops without dropping work."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, cast

import uvicorn
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import metrics as measures
from chassis import outages, problems, telemetry
from chassis.admission import PROBES, Admission
from chassis.clock import Clock, monotonic
from chassis.health import Health, Report
from chassis.idempotency import api_routes, check_routes
from chassis.json_bodies import JsonBodies
from chassis.logs import SafeError, get_logger
from chassis.metrics import Metrics
from chassis.rate_limit import RateLimiter
from chassis.request_heads import BoundedHeads
from chassis.request_ids import RequestIds
from chassis.settings import ServiceSettings, env_name
from chassis.tokens import Verifiers

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}

CONNECTIONS: Final = 1_000
"""Open at once, those of idle and of slow clients too; one more is answered 503 by the server itself."""

_log = get_logger()


def make_app(
    *,
    title: str,
    routers: Sequence[APIRouter],
    settings: ServiceSettings,
    health: Health,
    metrics: Metrics,
    verifiers: Verifiers,
    clock: Clock,
    own_secret: bytes,
    version: str = "1.0.0",
) -> FastAPI:
    """The service's HTTP app: its routes, health, metrics and OpenAPI, behind the edge's protections.

    `own_secret` keys the hashes of idempotency keys and signs cursors; it must outlive restarts.
    """
    app = _EdgeApp(settings, metrics, clock, title=title, version=version)
    app.state.verifiers = verifiers
    app.state.own_secret = own_secret
    app.state.rate_limiter = RateLimiter(clock, metrics)
    problems.install(app)
    outages.install(app)
    for router in routers:
        check_routes(router.routes)
        _check_bodies(router)
        app.include_router(router)
    app.include_router(_operational(health, metrics))
    return app


class _EdgeApp(FastAPI):
    """FastAPI with our layers outside of its own, so that an unexpected error's answer passes them too."""

    def __init__(self, settings: ServiceSettings, metrics: Metrics, clock: Clock, *, title: str, version: str) -> None:
        super().__init__(
            title=title,
            version=version,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            responses=problems.responses(400, 413, 415, 422, 429, 500, 503),
        )
        self._settings = settings
        self._metrics = metrics
        self._clock = clock

    def build_middleware_stack(self) -> ASGIApp:
        inner = super().build_middleware_stack()
        bodies = JsonBodies(inner, self._settings.body_limit_bytes, self._settings.body_seconds)
        admitted = Admission(bodies, self._settings.http_at_once)
        observed = _Observed(admitted, self._metrics, self._settings.trust_traceparent)
        return RequestIds(_Headers(observed), self._clock)

    def openapi(self) -> dict[str, Any]:
        """OpenAPI 3.1 with every error as a problem document, not as the framework's own error model."""
        if self.openapi_schema is None:
            schema = super().openapi()
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            for model in (problems.ProblemError, problems.ProblemDocument):
                document = model.model_json_schema(ref_template="#/components/schemas/{model}")
                document.pop("$defs", None)
                schemas[model.__name__] = document
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
        return cast("dict[str, Any]", self.openapi_schema)


class _Headers:
    """Adds the security headers, and refuses to send a header that would end early and begin another."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if any(b"\r" in value or b"\n" in value or b"\x00" in value for _, value in headers.raw):
                    raise SafeError("a response header holds a line break or NUL: it was not sent")
            await send(message)

        await self._app(scope, receive, answer)


class _Observed:
    """Measures, traces and logs each request by its route's template: no address, no query, no path as sent."""

    def __init__(self, app: ASGIApp, metrics: Metrics, trust_traceparent: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._trust_traceparent = trust_traceparent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = monotonic()
        method = measures.bounded(scope["method"], measures.METHODS)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._span(scope, method) as span, self._metrics.http_in_flight.track_inprogress():
            try:
                await self._app(scope, receive, answer)
            finally:
                route = _template(scope)
                seconds = monotonic() - started
                span.rename(f"{method} {route}")
                span.set({"http.request.method": method, "http.route": route, "http.response.status_code": status})
                if status >= 500:
                    span.fail(str(status))
                self._metrics.http_requests.labels(method, route, str(status)).inc()
                self._metrics.http_seconds.labels(method, route).observe(seconds)
                say = _log.debug if route in PROBES else _log.info
                say("http.answered", method=method, route=route, status=status, ms=round(seconds * 1000, 1))

    def _span(self, scope: Scope, method: str) -> telemetry.Span:
        if scope["path"] in PROBES:
            return telemetry.NOTHING
        if self._trust_traceparent:
            given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
            if given is not None:
                return telemetry.span_from(given, method, telemetry.Kind.SERVER)
        return telemetry.span(method, telemetry.Kind.SERVER)


def _template(scope: Scope) -> str:
    path: object = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else measures.UNMATCHED


def _operational(health: Health, metrics: Metrics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    async def live(_request: Request) -> Response:
        return _probe(health.live())

    async def ready(_request: Request) -> Response:
        return _probe(await health.ready())

    async def exposition(_request: Request) -> Response:
        return Response(metrics.exposition(), media_type=measures.CONTENT_TYPE)

    for path, endpoint in (("/health/live", live), ("/health/ready", ready), ("/metrics", exposition)):
        router.add_api_route(path, endpoint, methods=["GET"], response_model=None)
    return router


def _probe(report: Report) -> Response:
    return JSONResponse({"ok": report.ok, "parts": dict(report.parts)}, 200 if report.ok else 503)


def _check_bodies(router: APIRouter) -> None:
    for route in api_routes(router.routes):
        for parameter in route.dependant.body_params:
            model: object = parameter.field_info.annotation
            if isinstance(model, type) and issubclass(model, BaseModel) and model.model_config.get("extra") != "forbid":
                raise TypeError(
                    f"{route.path} takes {model.__name__}, which lets unknown members pass: use RequestBody"
                )


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    stop: asyncio.Event,
    started: Callable[[int], None] | None = None,
    drain_seconds: float = 20.0,
    trusted_proxies: str = "",
) -> None:
    """Serves until `stop` is set; then takes no new request, and gives those in flight `drain_seconds` before they end.

    `started` is told the port once connections are accepted. Signals stay with the caller.
    """
    listener = _bind(host, port)
    with listener:
        server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                http=BoundedHeads,
                limit_concurrency=CONNECTIONS,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies or None,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=max(1, round(drain_seconds)),
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        accepting = asyncio.create_task(server.accepting.wait())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, accepting}, return_when=asyncio.FIRST_COMPLETED)
            if started is not None and server.started:
                started(cast("tuple[str, int]", listener.getsockname())[1])
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.should_exit = True
            stopping.cancel()
            accepting.cancel()
            await serving


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the process decides when it stops."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.accepting = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        cure = f"set {env_name('http_port')} or {env_name('http_host')}"
        raise SafeError(f"can't listen on {host}:{port} ({error.strerror}): {cure}") from error
    listener.set_inheritable(False)
    return listener
