"""What the retention service measures of itself, beside what every service does; labels are names of ours only."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from chassis.metrics import Metrics
from prometheus_client import Counter, Gauge, Histogram

_DURATIONS: Final = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400)


class RetentionMeasures:
    """Keys handed out and how erasures go; in the registry of the service's other measures."""

    def __init__(self, metrics: Metrics) -> None:
        registry = metrics.registry
        self._keys = Counter(
            "tillit_keyring_keys", "Keys asked for, by outcome", ("caller", "category", "outcome"), registry=registry
        )
        self._open = Gauge("tillit_erasures_open", "Erasures that are not done", ("stage",), registry=registry)
        self._oldest = Gauge(
            "tillit_erasure_stage_age_seconds", "Age of the oldest erasure in a stage", ("stage",), registry=registry
        )
        self._silent = Gauge(
            "tillit_erasure_holder_silent", "Erasures that wait for a holder's answer", ("holder",), registry=registry
        )
        self._seconds = Histogram(
            "tillit_erasure_seconds", "From the request to destroyed keys", buckets=_DURATIONS, registry=registry
        )

        self._held_back = Gauge(
            "tillit_erasures_held_back", "Erasures that wait for two officers to release the breaker", registry=registry
        )
        self._residue = Counter(
            "tillit_residue_found", "Scans that found what an erasure left behind", ("holder",), registry=registry
        )
        self._scans_silent = Gauge(
            "tillit_residue_scan_silent", "Scans that wait for a holder's answer", ("holder",), registry=registry
        )
        self._unconfirmed = Gauge(
            "tillit_keys_unconfirmed_people", "People of whose keys nobody has told for a day", registry=registry
        )
        self._holds = Gauge("tillit_holds_in_force", "Holds that keep data back from erasure", registry=registry)
        self._holds_overdue = Gauge(
            "tillit_holds_review_overdue", "Holds in force that nobody has looked at in time", registry=registry
        )
        self._not_told = Gauge(
            "tillit_notices_not_told", "Notices that their recipients may not have", ("state",), registry=registry
        )
        self._unproven = Gauge(
            "tillit_receipts_unproven", "Receipts that the public log does not prove yet", registry=registry
        )
        self._rotation_due = Gauge(
            "tillit_keyring_rotation_due_seconds",
            "Until the next rotation of the key-encryption key is due; below 0 it is overdue",
            registry=registry,
        )
        self._rotation = Gauge(
            "tillit_keyring_rotation_seconds", "How long the last rotation took from its asking", registry=registry
        )

    def count_key(self, caller: str, category: str, *, living: bool) -> None:
        """`caller` is the name of a service that `key_access` let through, with a category that is known."""
        self._keys.labels(caller, category, "living" if living else "absent").inc()

    def show_rotation_due(self, left: timedelta) -> None:
        self._rotation_due.set(left.total_seconds())

    def observe_rotation(self, took: timedelta) -> None:
        self._rotation.set(took.total_seconds())

    def show_open(self, stage: str, count: int, age: timedelta) -> None:
        self._open.labels(stage).set(count)
        self._oldest.labels(stage).set(max(age.total_seconds(), 0))

    def show_silent(self, by_holder: dict[str, int]) -> None:
        """Holders that still owe answers; a name that owes none any more disappears."""
        self._silent.clear()
        for holder, count in by_holder.items():
            self._silent.labels(holder).set(count)

    def show_silent_scans(self, by_holder: dict[str, int]) -> None:
        """Holders that still owe a look."""
        self._scans_silent.clear()
        for holder, count in by_holder.items():
            self._scans_silent.labels(holder).set(count)

    def count_residue(self, holder: str) -> None:
        """`holder` is the name of one whose signature was verified."""
        self._residue.labels(holder).inc()

    def show_held_back(self, count: int) -> None:
        self._held_back.set(count)

    def show_holds(self, in_force: int, overdue: int) -> None:
        self._holds.set(in_force)
        self._holds_overdue.set(overdue)

    def show_not_told(self, by_state: Mapping[str, int]) -> None:
        """Notices to recipients by where they stand; a state in which none stands any more disappears."""
        self._not_told.clear()
        for state, count in by_state.items():
            self._not_told.labels(state).set(count)

    def show_unproven(self, count: int) -> None:
        self._unproven.set(count)

    def show_unconfirmed(self, people: int) -> None:
        self._unconfirmed.set(people)

    def observe_done(self, took: timedelta) -> None:
        self._seconds.observe(took.total_seconds())
