"""A small OTLP/HTTP receiver: a real collector's front door, which keeps what it was sent."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from chassis.testing.containers import free_port
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """One span, as a backend would know it."""

    trace: str
    parent: str
    name: str
    kind: int


@dataclass(slots=True)
class TraceReceiver:
    """Where spans arrive; `raw` is every byte of them."""

    url: str
    spans: list[SeenSpan] = field(default_factory=list[SeenSpan])
    raw: bytes = b""

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.raw += body
        message = ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(
                    SeenSpan(span.trace_id.hex(), span.parent_span_id.hex(), span.name, span.kind)
                    for span in scope.spans
                )
        return Response(media_type="application/x-protobuf")


@asynccontextmanager
async def receiving_traces() -> AsyncGenerator[TraceReceiver]:
    """A receiver on a port of its own, until the block ends."""
    port = free_port()
    receiver = TraceReceiver(f"http://127.0.0.1:{port}")
    app = Starlette(routes=[Route("/v1/traces", receiver.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield receiver
    finally:
        server.should_exit = True
        await serving
