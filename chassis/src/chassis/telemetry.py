"""Knows how a trace goes on across HTTP, the outbox, Kafka and reactions, and that no personal data can enter one.

A span takes only the attributes of `SpanAttributes`; it records an error's type, never its text. Where the trace isn't
sampled nothing is allocated: spans are per message, so that must cost next to nothing.
"""

import re
from collections.abc import Sequence
from contextvars import Token
from types import TracebackType
from typing import Final, TypeAlias, TypedDict

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from chassis.metrics import Metrics
from chassis.settings import ServiceSettings

Kind = SpanKind

SpanAttributes = TypedDict(
    "SpanAttributes",
    {
        "http.request.method": str,
        "http.route": str,
        "http.response.status_code": int,
        "messaging.system": str,
        "messaging.operation.type": str,
        "messaging.destination.name": str,
        "messaging.batch.message_count": int,
        "messaging.kafka.offset": int,
        "messaging.destination.partition.id": str,
        "db.operation.name": str,
        "tillit.event.type": str,
        "tillit.event.id": str,
        "tillit.reaction": str,
        "tillit.outcome": str,
        "tillit.purpose": str,
        "tillit.service": str,
        "tillit.rows": int,
        "tillit.request_id": str,
    },
    total=False,
)
"""Everything a span may say. A subject id is not among them: traces go to systems that keep them longer than we may."""

SPAN_QUEUE: Final = 2_048
"""Spans that wait to be sent; when it is full the oldest go, and nothing else waits."""
RECEIVER_SECONDS: Final = 1
"""How long a receiver is waited for, tries included: a process that ends sends what is left, and must not hang on it."""
_ALLOWED: Final = frozenset(SpanAttributes.__annotations__)
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


class _Nothing:
    """The span of a trace that isn't sampled: does nothing, one for all."""

    __slots__ = ()

    def __enter__(self) -> "_Nothing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def set(self, attributes: SpanAttributes) -> None:
        return None

    def rename(self, name: str) -> None:
        return None

    def fail(self, reason: str) -> None:
        return None

    def end(self) -> None:
        return None


class _Recorded:
    """A span that is recorded, current while it is entered."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._token: Token[otel_context.Context] | None = None

    def __enter__(self) -> "_Recorded":
        self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            otel_context.detach(self._token)
        if kind is not None:
            self.fail(kind.__qualname__)
        self.end()

    def end(self) -> None:
        """Ends a span that was never entered: one of many that are under way at once."""
        self._span.end()

    def set(self, attributes: SpanAttributes) -> None:
        """Adds attributes; one that isn't in the allow-list is left out, whatever the type checker was told."""
        self._span.set_attributes(_allowed(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, reason: str) -> None:
        """Marks the span as failed for a reason that is a name: an error's type, an outcome."""
        self._span.set_status(Status(StatusCode.ERROR, reason))
        self._span.set_attribute("error.type", reason)


Span: TypeAlias = _Nothing | _Recorded

NOTHING: Final = _Nothing()


class Telemetry:
    """Where this process's spans go. `shutdown` sends what is left."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self.tracer: Final[Tracer] = provider.get_tracer("tillit")

    def shutdown(self) -> None:
        global _active
        self._provider.shutdown()
        if _active is self:
            _active = None


class _CountedExporter(SpanExporter):
    """Counts what was sent, and what the receiver did not take."""

    def __init__(self, inner: SpanExporter, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        outcome = "sent" if result is SpanExportResult.SUCCESS else "not taken"
        self._metrics.spans.labels(outcome).inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class _CountedQueue(BatchSpanProcessor):
    """Counts what was recorded: what was neither sent nor refused waits, or found the queue full."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics) -> None:
        super().__init__(exporter, max_queue_size=SPAN_QUEUE)
        self._metrics = metrics

    def on_end(self, span: ReadableSpan) -> None:
        self._metrics.spans.labels("recorded").inc()
        super().on_end(span)


_active: Telemetry | None = None


def configure(
    service: str,
    settings: ServiceSettings,
    exporter: SpanExporter | None = None,
    metrics: Metrics | None = None,
) -> Telemetry:
    """Starts tracing for this process. Without an exporter or `TILLIT_OTLP_ENDPOINT` ids travel, and nothing is sent."""
    global _active
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.trace_ratio),
        resource=Resource({"service.name": f"tillit-{service}"}),
        shutdown_on_exit=False,
    )
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    elif settings.otlp_endpoint is not None:
        # Imported when wanted only: it brings an HTTP client that costs several megabytes.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        endpoint = f"{str(settings.otlp_endpoint).rstrip('/')}/v1/traces"
        metrics = metrics or Metrics()
        exporting = _CountedExporter(OTLPSpanExporter(endpoint=endpoint, timeout=RECEIVER_SECONDS), metrics)
        provider.add_span_processor(_CountedQueue(exporting, metrics))
    _active = Telemetry(provider)
    return _active


def inject() -> str | None:
    """The `traceparent` of the current span, to be stored or sent; None where the trace isn't sampled."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid or not current.trace_flags & TraceFlags.SAMPLED:
        return None
    return f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags:02x}"


def span(name: str, kind: Kind = Kind.INTERNAL, attributes: SpanAttributes | None = None) -> Span:
    """A span below the current one, or the first of a new trace, which the ratio may leave out."""
    return _start(name, kind, attributes, None)


def span_from(
    traceparent: str | None, name: str, kind: Kind = Kind.CONSUMER, attributes: SpanAttributes | None = None
) -> Span:
    """A span of the trace that a stored or received `traceparent` belongs to; none when it isn't sampled or isn't one."""
    parent = _sampled(traceparent)
    if parent is None:
        return NOTHING
    return _start(name, kind, attributes, trace.set_span_in_context(NonRecordingSpan(parent)))


def _start(name: str, kind: Kind, attributes: SpanAttributes | None, parent: otel_context.Context | None) -> Span:
    if _active is None:
        return NOTHING
    started = _active.tracer.start_span(
        name, parent, kind, _allowed(attributes or {}), record_exception=False, set_status_on_exception=False
    )
    return _Recorded(started) if started.is_recording() else NOTHING


def _sampled(traceparent: str | None) -> SpanContext | None:
    if traceparent is None or len(traceparent) < 55 or traceparent[54] not in "13579bdf":
        return None
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or traceparent.startswith("ff") or (traceparent.startswith("00") and match[4]):
        return None
    context = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(1))
    return context if context.is_valid else None


def _allowed(attributes: SpanAttributes) -> dict[str, str | int]:
    return {name: value for name, value in attributes.items() if name in _ALLOWED and isinstance(value, str | int)}
