"""What the audit log measures of its tree, beside what every service does."""

from chassis.metrics import Metrics
from prometheus_client import Counter, Gauge


class LogMeasures:
    """How far the log is published and who remembers it; in the registry of the service's other measures."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self.size = Gauge("tillit_log_size", "Leaves of the published log", registry=registry)
        self.waiting = Gauge("tillit_log_unsequenced", "Entries that have no leaf yet", registry=registry)
        self.without_entry = Gauge(
            "tillit_log_leaves_without_entry", "Leaves taken back whose events are to be replayed", registry=registry
        )
        self.cosigned_size = Gauge("tillit_log_cosigned_size", "Leaves that the witness last signed", registry=registry)
        self.witness = Counter(
            "tillit_log_witness", "Cosignatures asked for, by outcome", ("outcome",), registry=registry
        )
        self.refusing = Gauge(
            "tillit_log_refusing",
            "1 while the log will not grow: rows, tiles or checkpoint disagree",
            registry=registry,
        )
