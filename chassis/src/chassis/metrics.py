"""Knows every measure a service exposes; labels are bounded sets of names, so no series can carry or count people."""

from collections.abc import Collection
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED: Final = "unmatched"
OTHER: Final = "other"

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES: Final = (1, 2, 5, 10, 25, 50, 100, 200, 350, 500)


class Metrics:
    """The measures of one service in one registry; two services in one process have two."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry: Final = registry if registry is not None else CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)

        self.outbox_depth = self._gauge("outbox_depth", "Rows waiting in the outbox")
        self.outbox_refused = self._gauge(
            "outbox_refused", "Rows of the outbox that the broker will not take as they are"
        )
        self.outbox_age = self._gauge("outbox_age_seconds", "Age of the oldest row in the outbox, 0 when it is empty")
        self.relay_leader = self._gauge("relay_leader", "1 while this process is the relay's leader")
        self.relay_sent = self._counter("relay_sent", "Events the broker acknowledged", "topic")
        self.relay_failures = self._counter("relay_failures", "Sends that failed and will be repeated", "reason")

        self.batch_size = self._histogram("batch_size", "Records per batch", "topic", buckets=_SIZES)
        self.batch_seconds = self._histogram("batch_seconds", "Time from a batch's first record to its commit", "topic")
        self.batch_retries = self._counter("batch_retries", "Batches rolled back and tried again", "topic", "reason")
        self.events_skipped = self._counter("events_skipped", "Events without a reaction here", "topic", "reason")
        self.reactions = self._counter("reactions", "Reactions run, by outcome", "reaction", "outcome")
        self.event_delay_seconds = self._histogram("event_delay_seconds", "From commit to reaction done", "topic")
        self.parked = self._gauge("parked", "Events parked now", "topic")
        self.parked_total = self._counter("parked_events", "Events that were parked", "topic", "reason")
        self.parked_discarded = self._counter("parked_discarded", "Parked records an operator gave up", "topic")
        self.work_depth = self._gauge("work_depth", "Items to be done, now or later", "kind")
        self.broker_contact_age = self._gauge(
            "broker_contact_age_seconds", "Time since the broker last answered this worker"
        )
        self.lag = self._gauge("consumer_lag", "Records between the committed offset and the end", "topic", "partition")

        self.keyring_requests = self._counter("keyring_requests", "Requests to the keyring, by outcome", "outcome")
        self.keyring_seconds = self._histogram("keyring_seconds", "Duration of requests to the keyring")
        self.keys_cached = self._gauge("keys_cached", "Data keys held in memory")
        self.cache_entries = self._gauge("cache_entries", "Entries of what is remembered to save time", "cache")

        self.database_connections = self._gauge("database_connections", "Connections of the pool that are in use")
        self.table_rows = self._gauge("table_rows", "Rows of a table, as the planner estimates them", "table")
        self.relay_in_flight = self._gauge("relay_in_flight", "Events given to the broker and not yet acknowledged")
        self.spans = self._counter("spans", "Spans of sampled traces, by what became of them", "outcome")

        self.http_requests = self._counter("http_requests", "Requests answered", "method", "route", "status")
        self.http_seconds = self._histogram("http_request_seconds", "Duration of requests", "method", "route")
        self.http_in_flight = self._gauge("http_in_flight", "Requests being answered")
        self.rate_limited = self._counter("rate_limited", "Requests refused by a limit", "limit")

    def exposition(self) -> bytes:
        """Every measure in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, help_text: str, *labels: str) -> Counter:
        return Counter(f"tillit_{name}", help_text, labels, registry=self.registry)

    def _gauge(self, name: str, help_text: str, *labels: str) -> Gauge:
        return Gauge(f"tillit_{name}", help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str, *labels: str, buckets: tuple[float, ...] = _FAST) -> Histogram:
        return Histogram(f"tillit_{name}", help_text, labels, buckets=buckets, registry=self.registry)


def bounded(value: str, allowed: Collection[str]) -> str:
    """A label value from a known set; anything from outside counts as `other`."""
    return value if value in allowed else OTHER
