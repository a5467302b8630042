"""A trace goes on through a stored traceparent, costs next to nothing unsampled, and takes in nothing personal."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from chassis.clock import monotonic
from chassis.metrics import Metrics
from chassis.settings import ServiceSettings
from chassis.telemetry import SpanAttributes, Telemetry
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import AnyHttpUrl, SecretStr

from chassis import telemetry

ONE_BATCH = 512
"""As many spans as the SDK sends at once."""
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def settings(trace_ratio: float) -> ServiceSettings:
    nowhere = Path("/nowhere")
    return ServiceSettings(
        database_url=SecretStr("postgresql://a:b@c/d"),
        kafka_bootstrap="k:1",
        keyring_url=AnyHttpUrl("http://k"),
        service_key_file=nowhere,
        service_jwks_file=nowhere,
        login_jwks_file=nowhere,
        trace_ratio=trace_ratio,
    )


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    active = telemetry.configure("profile", settings(1.0), memory)
    yield memory
    active.shutdown()


def test_a_trace_goes_on_through_a_stored_traceparent(exporter: InMemorySpanExporter) -> None:
    with telemetry.span("POST /people", telemetry.Kind.SERVER):
        stored = telemetry.inject()
    with telemetry.span_from(stored, "profile.registered.v1", telemetry.Kind.CONSUMER):
        again = telemetry.inject()
    first, second = exporter.get_finished_spans()
    assert stored is not None
    assert again is not None
    assert again[3:35] == stored[3:35]
    assert second.parent is not None
    assert f"{second.parent.span_id:016x}" == stored[36:52]
    assert (first.name, second.name) == ("POST /people", "profile.registered.v1")


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        SAMPLED[:-1] + "0",
        "ff" + SAMPLED[2:],
        SAMPLED + "-more",
        SAMPLED.upper(),
        SAMPLED.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        "x" * 55,
        SAMPLED[:-2] + "\x00\x01",
    ],
)
def test_a_traceparent_that_is_not_sampled_or_not_one_makes_no_span(
    exporter: InMemorySpanExporter, traceparent: str | None
) -> None:
    with telemetry.span_from(traceparent, "x") as span:
        span.set({"tillit.outcome": "done"})
        assert telemetry.inject() is None
    assert exporter.get_finished_spans() == ()


def test_a_span_takes_only_what_is_on_the_list(exporter: InMemorySpanExporter) -> None:
    slipped = cast("SpanAttributes", {"tillit.outcome": "done", "enduser.email": "kari@example.no"})
    with telemetry.span("x", attributes=slipped) as span:
        span.set(slipped)
    (finished,) = exporter.get_finished_spans()
    assert dict(cast("Any", finished.attributes)) == {"tillit.outcome": "done"}


def test_an_errors_text_is_not_recorded(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Kari"), telemetry.span("x"):
        raise ValueError("Kari Nordmann")
    (finished,) = exporter.get_finished_spans()
    assert finished.events == ()
    assert "Kari" not in finished.to_json()
    assert finished.status.description == "ValueError"


def test_without_tracing_nothing_is_done() -> None:
    with telemetry.span("x"), telemetry.span_from(SAMPLED, "y") as span:
        span.rename("z")
        assert telemetry.inject() is None


def test_a_ratio_of_zero_starts_no_trace_but_goes_on_with_a_sampled_one() -> None:
    memory = InMemorySpanExporter()
    active: Telemetry = telemetry.configure("profile", settings(0.0), memory)
    with telemetry.span("own"):
        assert telemetry.inject() is None
    with telemetry.span_from(SAMPLED, "theirs"):
        assert telemetry.inject() is not None
    active.shutdown()
    assert [span.name for span in memory.get_finished_spans()] == ["theirs"]


def test_an_unsampled_message_costs_next_to_nothing(exporter: InMemorySpanExporter) -> None:
    unsampled = SAMPLED[:-1] + "0"
    began = monotonic()
    for _ in range(20_000):
        with telemetry.span_from(unsampled, "x"):
            pass
    assert (monotonic() - began) / 20_000 < 20e-6


def test_what_waits_to_be_sent_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver takes the connection and says nothing, so that one batch is on its way while all others wait."""
    monkeypatch.setattr(telemetry, "SPAN_QUEUE", 600)
    metrics = Metrics()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        receiver = AnyHttpUrl(f"http://127.0.0.1:{silent.getsockname()[1]}")
        told = settings(1.0).model_copy(update={"otlp_endpoint": receiver})
        active = telemetry.configure("profile", told, metrics=metrics)
        for _ in range(2_000):
            with telemetry.span("knock"):
                pass
        active.shutdown()
    counted = {
        str(sample.labels["outcome"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "tillit_spans_total"
    }
    assert counted["recorded"] == 2_000
    assert 0 < counted["not taken"] <= 600 + ONE_BATCH
    assert "sent" not in counted
