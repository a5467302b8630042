"""A small OTLP/HTTP receiver: a real collector's front door, which keeps every byte that it was sent in a file."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import Final

import uvicorn
from chassis.testing.containers import free_port
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_SERVICE: Final = "service.name"


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """One span, as a backend would know it."""

    service: str
    trace: str
    parent: str
    name: str
    kind: int


@dataclass(frozen=True, slots=True)
class TraceReceiver:
    """Where spans arrive; `file` is every byte of them, one message after the other, and so one message."""

    url: str
    file: Path

    @property
    def raw(self) -> bytes:
        return self.file.read_bytes()

    @property
    def spans(self) -> list[SeenSpan]:
        return [
            SeenSpan(
                next(one.value.string_value for one in sent.resource.attributes if one.key == _SERVICE),
                span.trace_id.hex(),
                span.parent_span_id.hex(),
                span.name,
                span.kind,
            )
            for sent in ExportTraceServiceRequest.FromString(self.raw).resource_spans
            for scope in sent.scope_spans
            for span in scope.spans
        ]

    async def take(self, request: Request) -> Response:
        if "content-encoding" in request.headers:
            return Response(status_code=415)  # what is compressed could not be searched
        with self.file.open("ab") as kept:
            kept.write(await request.body())
        return Response(media_type="application/x-protobuf")


@contextmanager
def receiving_traces(file: Path) -> Generator[TraceReceiver]:
    """A receiver on a port of its own, in a thread of its own, until the block ends."""
    port = free_port()
    file.touch()
    receiver = TraceReceiver(f"http://127.0.0.1:{port}", file)
    app = Starlette(routes=[Route("/v1/traces", receiver.take, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    serving = threading.Thread(target=server.run)
    serving.start()
    while not server.started and serving.is_alive():
        sleep(0.01)  # uvicorn has no event for it
    try:
        yield receiver
    finally:
        server.should_exit = True
        serving.join()
